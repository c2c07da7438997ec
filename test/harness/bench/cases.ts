import { bodyCases } from './bodies.js';
import * as calls from './calls.js';
import * as client from './client-calls.js';
import { eventLoopDelay, throughput } from './exporting.js';
import * as live from './live.js';
import * as longRuns from './long-runs.js';
import type { Row } from './measure.js';
import * as redaction from './redaction.js';
import * as spans from './spans.js';

/** Every case, in the order of the table. Each runs in a process of its own. */
export const CASES: Readonly<Record<string, () => Promise<Row>>> = {
  'explicit step, one attempt given to it, metadata': spans.oneStep,
  'the same, 3 attempts, content of 2 kB in and out': spans.stepWithContent,
  'a run with 10 steps': spans.runOfTenSteps,
  'recording off: no run': calls.offNoRun,
  "recording off: capture 'off'": calls.offCapture,
  'recording off: not sampled': calls.offUnsampled,
  'live channel off': live.liveOff,
  'live channel on: a run of one call': live.liveOn,
  'openai client, in-memory fetch, 1 kB answer': client.clientCall,
  'openai client, two spans encoded to Protobuf': client.clientCallEncoded,
  'openai client, content': client.clientCallWithContent,
  'openai client, 1000 calls at once: delay of the event loop, p99': client.callsAtOnce,
  'stream of 500 chunks, metadata': calls.streamMetadata,
  'stream of 500 chunks, content': calls.streamContent,
  ...bodyCases,
  '100 MB body passed through': () => calls.largeBody(),
  'first byte of a stream': calls.firstByte,
  'an open run with one step in flight: memory': longRuns.openRun,
  'a run of 40 000 steps': longRuns.longRun,
  '10 000 runs open at once, 2 steps each': spans.openRuns,
  'redaction of 50 kB of JSON': redaction.redactJson,
  'redaction of 50 kB of SSE': redaction.redactSse,
  'redaction of 50 kB of prose': redaction.redactProse,
  'exporter: 512 spans of 4 kB in 4 requests': throughput,
  'exporter: delay of the event loop meanwhile': eventLoopDelay,
  'hold and settle 100 000 steps': () => spans.holdAndSettle(),
};
