import { takeTraceId } from '../spans/settle/managed-span.js';

/**
 * An `IdGenerator` of the SDK 2.x and 3.x. It makes the trace id of a root run: the run id without the dashes. So an application can link to
 * a trace by the run ids in its own tables. Every other trace id and every span id is random.
 *
 * A run that isn't a root (inside another run, or with `trace: 'join'`) is in its parent's trace; two runs of one id are two roots in one
 * trace. Without this generator, `run.traceId` is the trace of a run. A sampler by ratio decides by the last half of the trace id: give runs
 * ids that are random there (UUID 4 and 7 are).
 *
 * @example
 * new NodeSDK({ idGenerator: new RunIdGenerator(), spanProcessors: [new RuntraceSpanProcessor()] });
 * const link = `https://jaeger.example/trace/${runId.replaceAll('-', '')}`;
 */
export class RunIdGenerator {
  generateTraceId(): string {
    return takeTraceId() ?? randomHex(32);
  }

  generateSpanId(): string {
    return randomHex(16);
  }
}

/** As the SDK's own generator: fast and unique, not secret. No eight digits are all zeros, because an id of zeros is invalid. */
function randomHex(digits: 16 | 32): string {
  let id = '';
  while (id.length < digits) id += (1 + Math.floor(Math.random() * 0xffffffff)).toString(16).padStart(8, '0');
  return id;
}
