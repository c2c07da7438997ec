import { randomBytes } from 'node:crypto';
import { diag, type HrTime } from '@opentelemetry/api';
import { realClock } from '../../exporter/clock.js';
import { resolveEndpoint } from '../../exporter/endpoint.js';
import { likelyCause } from '../../exporter/likely-cause.js';
import type { ReadableSpan } from '../../exporter/otlp/span.js';
import { REPORT_PREFIX } from '../../exporter/reports.js';
import { createSender } from '../../exporter/sender/create-sender.js';
import type { SendResult } from '../../exporter/sender/sender.js';
import { muteOmissions } from '../../util/omissions.js';
import type { Finding } from './finding.js';

/** Covers a slow network, and is not too long for a user at a terminal. */
const TIMEOUT_MILLIS = 5000;

/**
 * Sends one span, named `runtrace.doctor`, to the endpoint of the environment and reports the answer. The span contains nothing of the
 * program. An endpoint that is not on this machine gets it only with `mayLeave`.
 */
export async function checkEndpoint(mayLeave: boolean): Promise<Finding[]> {
  const about = 'endpoint';
  const unusable = collectSettings();
  // What is found is a line of the answer, and no warning beside it.
  muteOmissions();
  const endpoint = { ...resolveEndpoint({}), timeoutMillis: TIMEOUT_MILLIS };
  const notes: string[] = [];
  const sender = createSender(endpoint, realClock, (note) => notes.push(note));
  const name = `${endpoint.name} (${endpoint.protocol === 'grpc' ? 'grpc' : `http/${endpoint.format}`})`;
  if (!sender.isLoopback && !mayLeave) {
    await sender.shutdown();
    return [
      ...unusable,
      { about, state: 'note', text: `${name} is not on this machine and was not asked; --send sends it one span` },
    ];
  }
  const result = await sender.send([doctorSpan()]);
  await sender.shutdown();
  return [
    ...unusable,
    ...notes.map((text): Finding => ({ about, state: 'note', text })),
    findingOf(name, result, endpoint.name),
  ];
}

/** What the exporter says of variables that it can't use; it comes once the code that reads them has ended. */
function collectSettings(): readonly Finding[] {
  const findings: Finding[] = [];
  const warn = (message: string) =>
    void findings.push({ about: 'environment', state: 'wrong', text: message.replace(REPORT_PREFIX, '') });
  diag.setLogger({ warn, error() {}, info() {}, debug() {}, verbose() {} });
  return findings;
}

function findingOf(name: string, result: SendResult, destination: string): Finding {
  const about = 'endpoint';
  if (result.kind === 'accepted') return { about, state: 'ok', text: `${name} accepted a span` };
  const why = 'why' in result ? result.why : result.kind;
  const cause = likelyCause(destination, why);
  if (result.kind === 'retry' && result.noBackend === 'nothing listens there') {
    const fix = cause ?? 'start a backend there, or set OTEL_EXPORTER_OTLP_ENDPOINT; OTLPFileExporter needs none';
    return { about, state: 'wrong', text: `${name}: ${result.noBackend}`, fix };
  }
  return {
    about,
    state: 'wrong',
    text: `${name} did not accept a span: ${why}`,
    fix: cause ?? 'OTLP over HTTP is usually on port 4318, gRPC on 4317',
  };
}

function doctorSpan(): ReadableSpan {
  const now: HrTime = [Math.floor(Date.now() / 1000), (Date.now() % 1000) * 1e6];
  const ids = { traceId: randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex'), traceFlags: 1 };
  return {
    name: 'runtrace.doctor',
    kind: 0,
    spanContext: () => ids,
    startTime: now,
    endTime: now,
    duration: [0, 0],
    ended: true,
    status: { code: 0 },
    attributes: {},
    events: [],
    links: [],
    resource: {
      attributes: { 'service.name': 'runtrace-doctor' },
      merge: (other) => other ?? doctorSpan().resource,
      getRawAttributes: () => [],
    },
    instrumentationScope: { name: 'runtrace' },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}
