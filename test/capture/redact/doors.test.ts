import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { context, trace } from '@opentelemetry/api';
import { type Recorder, reportStatus, wrapFetch } from 'runtrace';
import { attemptsOf, only, type TracedOptions, traced } from '../../support/traced.js';

const KEY = 'sk-proj-0123456789abcdefghijABCDEFGHIJ';

/** What one run exports. */
async function recorded(options: TracedOptions, work: (recorder: Recorder) => unknown) {
  const { recorder, runs, steps, spans, shutdown } = traced(options);
  await recorder.run({ kind: 'chat_turn', userId: 'user-17' }, () => work(recorder)).catch(() => {});
  await shutdown();
  return { run: only(runs().slice(-1)), steps: steps(), spans: spans() };
}

function answer(body: string, init: ResponseInit): typeof globalThis.fetch {
  return wrapFetch(async () => new Response(body, init));
}

async function ask(fetch: typeof globalThis.fetch, request: object = {}): Promise<void> {
  const body = JSON.stringify({ model: 'gpt-5', messages: [], ...request });
  const response = await fetch('https://api.openai.com/v1/chat/completions', { method: 'POST', body });
  await response.text().catch(() => {});
}

const JSON_TYPE = { 'content-type': 'application/json' };

describe('at metadata', () => {
  it('a code that is a sentence is none: it may quote a prompt', async () => {
    const error = { code: 'No answer to "my secret wish"', type: 'my secret wish', message: 'my secret wish' };
    const fetch = answer(JSON.stringify({ error }), { status: 400, headers: JSON_TYPE });
    const { steps } = await recorded({}, () => ask(fetch));
    const step = only(steps);
    assert.equal(step.attributes['error.type'], '400');
    assert.doesNotMatch(JSON.stringify([step.attributes, step.events, step.status]), /wish/);
  });

  it('ids, models and reasons of an answer are single words, or are left out', async () => {
    const text = 'a secret wish';
    const choices = [{ index: 0, finish_reason: text, message: { role: 'assistant', content: text } }];
    const body = { id: text, model: text, system_fingerprint: text, service_tier: text, choices };
    const fetch = answer(JSON.stringify(body), { headers: JSON_TYPE });
    const { steps } = await recorded({}, () => ask(fetch));
    assert.doesNotMatch(JSON.stringify(only(steps).attributes), /wish/);
  });

  it('stop sequences are left out', async () => {
    const request = { stop: ['\nAlice:'] };
    const fetch = () => answer('{"choices":[]}', { headers: JSON_TYPE });
    const metadata = await recorded({}, () => ask(fetch(), request));
    const content = await recorded({ capture: 'content' }, () => ask(fetch(), request));
    assert.equal(only(metadata.steps).attributes['gen_ai.request.stop_sequences'], undefined);
    assert.deepEqual(only(content.steps).attributes['gen_ai.request.stop_sequences'], ['\nAlice:']);
  });

  it('a long list of parameters of a long request is recorded to its end', async () => {
    const stop = Array.from({ length: 1000 }, (_, index) => `Speaker ${index}:`);
    const request = { stop, messages: [{ role: 'user', content: 'x'.repeat(100_000) }] };
    const options: TracedOptions = { capture: 'content', limits: { contentBytes: 1000 } };
    const { steps } = await recorded(options, () => ask(answer('{"choices":[]}', { headers: JSON_TYPE }), request));
    assert.deepEqual(only(steps).attributes['gen_ai.request.stop_sequences'], stop);
  });
});

describe('at every level', () => {
  it('span names are redacted as the attributes are that they are made of', async () => {
    const { spans } = await recorded({}, async ({ run, step, tool }) => {
      await run({ kind: 'k', agentName: `agent ${KEY}` }, () => {});
      await step({ model: `model ${KEY}`, operation: 'chat' }, () => {});
      await tool({ name: `tool ${KEY}` }, () => {});
    });
    assert.deepEqual(spans.map(({ name }) => name).sort(), [
      'chat model REDACTED',
      'execute_tool tool REDACTED',
      'invoke_agent agent REDACTED',
      'invoke_workflow chat_turn',
    ]);
  });

  it('the option redact is asked about all of it, by name', async () => {
    const redact = { names: ['user.id'], patterns: [/patient-\d+/] };
    const { run } = await recorded({ redact }, () => {
      throw Object.assign(new Error('x'), { code: 'patient-17' });
    });
    assert.equal(run.attributes['user.id'], 'REDACTED');
    assert.equal(run.attributes['error.type'], 'REDACTED');
    assert.equal(run.status.message, 'REDACTED Error');
  });

  it('so is what is reported of a span of other code in the run', async () => {
    const options = traced({ redact: { patterns: [/patient-\d+/] } });
    await options.recorder.run({ kind: 'k' }, () => {
      const span = options.provider.getTracer('another').startSpan('theirs');
      const error = Object.assign(new Error('x'), { code: 'patient-17' });
      context.with(trace.setSpan(context.active(), span), () => {
        reportStatus(span, 'error', { error, attributes: { note: 'patient-18' } });
      });
      span.end();
    });
    await options.shutdown();
    const theirs = only(options.spans().filter(({ name }) => name === 'theirs'));
    assert.equal(theirs.attributes['error.type'], 'REDACTED');
    assert.equal(theirs.attributes.note, 'REDACTED');
  });

  it('a key in the name of an attribute is replaced, and what is no attribute value is left out', async () => {
    const attributes = { [`app.${KEY}`]: 1, 'app.object': { api_key: 'hunter2hunter2' } as never };
    const { steps } = await recorded({}, ({ step }) => step({ attributes }, () => {}));
    const written = only(steps).attributes;
    assert.equal(written['app.REDACTED'] ?? written.REDACTED, 1);
    assert.equal(written['app.object'], undefined);
  });
});

describe('at content', () => {
  it('the JSON in an error is read as JSON in its stack as well', async () => {
    const { run } = await recorded({ capture: 'content' }, () => {
      throw new Error('400 [["authorization","hunter2hunter2"],{"name":"api_key","value":"hunter3hunter3"}]');
    });
    const { attributes } = only(run.events);
    assert.doesNotMatch(JSON.stringify(attributes), /hunter/);
    assert.match(String(attributes?.['exception.stacktrace']), /"api_key".*\n {4}at /);
  });

  it('URLSearchParams are a form, also without a content type', async () => {
    const body = new URLSearchParams({ grant_type: 'authorization_code', code: 'hunter2' });
    const { steps } = await recorded({ capture: 'content' }, ({ step }) =>
      step({}, () => answer('', {})('https://idp.example.com/oauth2', { method: 'POST', body })),
    );
    const attempt = only(attemptsOf(only(steps)));
    assert.equal(attempt['http.request.body.content'], 'grant_type=authorization_code&code=REDACTED');
  });

  it('a text that is longer than what is read is cut', async () => {
    const long = 'word '.repeat(100_000);
    const { run } = await recorded({ capture: 'content' }, () => {
      throw new Error(long);
    });
    const message = String(only(run.events).attributes?.['exception.message']);
    assert.equal(message, long.slice(0, 65_536));
  });

  it('half of a key is not kept where a body broke off', async () => {
    const half = `Here you are: ${KEY.slice(0, 16)}`;
    const event = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: half } }] })}\n\n`;
    const breaking = (text: string) =>
      wrapFetch(async () => {
        const chunks = [new TextEncoder().encode(text)];
        const pull = (controller: ReadableStreamDefaultController) => {
          const chunk = chunks.pop();
          if (chunk) controller.enqueue(chunk);
          else controller.error(new Error('reset'));
        };
        const body = new ReadableStream({ pull }, { highWaterMark: 0 });
        return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
      });
    const { steps } = await recorded({ capture: 'content' }, async () => {
      await ask(breaking(event), { stream: true });
      await ask(breaking(`data: ${half}`));
    });
    const [spelt, bare] = steps;
    assert.match(String(spelt?.attributes['gen_ai.output.messages']), /Here you are: "/);
    assert.equal(attemptsOf(bare as never)[0]?.['http.response.body.content'], 'data: Here you are: ');
    assert.doesNotMatch(JSON.stringify(steps.map(({ attributes, events }) => [attributes, events])), /sk-proj/);
  });
});
