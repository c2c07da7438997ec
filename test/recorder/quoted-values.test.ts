import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RuntraceExporter } from '../../src/exporter.js';
import { createRecorder, run, startStep, wrapFetch } from '../../src/index.js';

const SECRET = 'hunter2-S3cret!';
// biome-ignore lint/suspicious/noExplicitAny: wrong use on purpose
type Wrong = any;
const wrong = SECRET as Wrong;

const CALLS: Readonly<Record<string, () => unknown>> = {
  'run with a text': () => run(wrong, () => 1),
  'attributes of run': () => run({ kind: 'chat', attributes: wrong }, () => 1),
  'metadata of run': () => run({ kind: 'chat', metadata: wrong } as Wrong, () => 1),
  'id of run': () => run({ kind: 'chat', id: wrong }, () => 1),
  'capture of run': () => run({ kind: 'chat', capture: wrong } as Wrong, () => 1),
  startStep: () => startStep(wrong),
  'unknown of wrapFetch': () => wrapFetch(fetch, { unknown: wrong }),
  'an option of wrapFetch': () => wrapFetch(fetch, { [SECRET]: 1 } as Wrong),
  'capture of a recorder': () => createRecorder({ capture: wrong }),
  'limits of a recorder': () => createRecorder({ limits: wrong }),
  'a limit': () => createRecorder({ limits: { bodyBytes: wrong } }),
  'a pattern': () => createRecorder({ redact: { patterns: [wrong] } }),
  'a pattern of words': () => createRecorder({ redact: { patterns: ['correct horse' as Wrong] } }),
  'names that are no list': () => createRecorder({ redact: { names: wrong } }),
  'the function redact': () => createRecorder({ redact: { redact: wrong } }),
  'url of the exporter': () => new RuntraceExporter({ url: wrong }),
  'protocol of the exporter': () => new RuntraceExporter({ protocol: wrong }),
  'headers of the exporter': () => new RuntraceExporter({ headers: wrong }),
  'compression of the exporter': () => new RuntraceExporter({ compression: wrong }),
  'a time of the exporter': () => new RuntraceExporter({ timeoutMillis: wrong }),
  'spool of the exporter': () => new RuntraceExporter({ spool: wrong }),
  'destinations of the exporter': () => new RuntraceExporter({ destinations: wrong }),
};

describe('an error about a wrong value does not quote a text that may be a secret', () => {
  for (const [what, call] of Object.entries(CALLS)) {
    test(what, () => {
      assert.throws(call, (error: Error) => {
        assert.ok(error instanceof TypeError, String(error));
        assert.doesNotMatch(`${error.message} ${error.stack?.split('\n    at')[0]}`, /hunter2|S3cret|horse/);
        return true;
      });
    });
  }
});
