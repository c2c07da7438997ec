/** Measures one package, or runtrace, beside a hand-written span: what each adds to the same call. Reports to the process that forked it. */
import { context, trace } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import type OpenAI from 'openai';
import { createRecorder, StatusPrioritySpanProcessor, wrapFetch } from 'runtrace';
import { handMadeCall, handMadeStream } from '../by-hand.js';
import { answerFetch, readStream, streamFetch } from '../calls.js';
import { measure } from '../measure.js';
import { batchNowhere } from '../setup.js';
import { type ClientClass, loaderOf, PEERS } from './packages.js';

const MESSAGES = [{ role: 'user' as const, content: 'What is the weather like?' }];

/** What was measured, in CPU microseconds. */
export interface Added {
  readonly added: number;
  readonly byHand: number;
  /** How many spans the package made of one call. */
  readonly spans: number;
}

const [name = '', kind = '', folder = ''] = process.argv.slice(2);
const isStream = kind === 'stream';
const fetch = isStream ? streamFetch : answerFetch;
const options = (itsFetch: typeof globalThis.fetch) => ({ apiKey: 'none', fetch: itsFetch, maxRetries: 0 });

let ended = 0;
const counter = { onStart() {}, onEnd: () => void ended++, forceFlush: async () => {}, shutdown: async () => {} };
const provider = new BasicTracerProvider({
  spanProcessors: [...(name === 'runtrace' ? [new StatusPrioritySpanProcessor()] : []), counter, batchNowhere()],
});
const load = loaderOf(folder);
const { OpenAI: Client } = load('openai') as { OpenAI: ClientClass };
const bare = new Client(options(fetch));
if (name !== 'runtrace') trace.setGlobalTracerProvider(provider);
const floor = new BasicTracerProvider({ spanProcessors: [batchNowhere()] });
const tracer = floor.getTracer('by hand');

const call = async (client: OpenAI) => {
  if (isStream) await readStream(client);
  else await client.chat.completions.create({ model: 'gpt-5', messages: MESSAGES });
};
const times = (once: () => Promise<unknown>) => async (count: number) => {
  for (let i = 0; i < count; i++) await once();
};

function traced(): (count: number) => Promise<void> {
  if (name === 'runtrace') {
    const client = new Client(options(wrapFetch(fetch)));
    const { run } = createRecorder({ tracerProvider: provider });
    return (count) => run({ kind: 'bench' }, () => times(() => call(client))(count));
  }
  const client = (PEERS[name] as (typeof PEERS)[string])(load)(options(fetch));
  return times(() => call(client));
}

const ours = traced();
await ours(1);
await provider.forceFlush();
const spans = ended;
const handMade = isStream ? () => handMadeStream(tracer, bare, false) : () => handMadeCall(tracer, bare);
const flush = async () => {
  await Promise.all([provider.forceFlush(), floor.forceFlush()]);
};
const pair = { count: isStream ? 10 : 200, floor: times(() => call(bare)), between: flush };
const added = (await measure({ ...pair, ours }, 21)).added.median;
const byHand = (await measure({ ...pair, ours: times(handMade) }, 21)).added.median;
process.send?.({ added, byHand, spans } satisfies Added);
process.disconnect?.();
context.disable();
process.exit(0);
