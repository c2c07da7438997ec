/** What the recording fetch costs around a call. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BasicTracerProvider, SamplingDecision } from '@opentelemetry/sdk-trace-base';
import OpenAI from 'openai';
import { type Capture, createRecorder, type Recorder, recordingFetch, wrapFetch } from 'runtrace';
import { handMadeStream, inContext, inSpan, spanByHand } from './by-hand.js';
import { addedRow, type Figure, figure, type Measured, measure, type Row, ratioRow, warmUp } from './measure.js';
import { requestReader, searchingFetch } from './reading-fetch.js';
import { exportedBy, setup } from './setup.js';
import { words } from './spans.js';

const ENDPOINT = 'https://api.openai.com/v1/chat/completions';
export const MESSAGES = [{ role: 'user' as const, content: 'What is the weather like?' }];

/** Nothing is recorded: what is left is the question whether anything should be. */
async function off(recorder: Recorder | undefined): Promise<Row> {
  const response = new Response(null, { status: 204 });
  const answer = Promise.resolve(response);
  const bare = () => answer;
  const recording = wrapFetch(bare);
  const init = { method: 'POST', body: '{"model":"gpt-5"}' };
  const measured = await measure({
    count: 20_000,
    floor: async (count) => {
      for (let i = 0; i < count; i++) await bare();
    },
    ours: async (count) => {
      const calls = async () => {
        for (let i = 0; i < count; i++) await recording(ENDPOINT, init);
      };
      await (recorder ? recorder.run({ kind: 'bench' }, calls) : calls());
    },
  });
  return addedRow('plain fetch', measured, 1, 'call');
}

export const offNoRun = () => off(undefined);
export const offCapture = () => off(createRecorder({ capture: 'off' }));
export const offUnsampled = () =>
  off(
    createRecorder({
      tracerProvider: new BasicTracerProvider({
        sampler: { shouldSample: () => ({ decision: SamplingDecision.NOT_RECORD }), toString: () => 'never' },
      }),
    }),
  );

const ANSWER = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-5',
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: words(800) } }],
  usage: { prompt_tokens: 12, completion_tokens: 34, total_tokens: 46 },
});
export const answerFetch = async () => new Response(ANSWER, { headers: { 'content-type': 'application/json' } });
export const client = (fetch: typeof globalThis.fetch) => new OpenAI({ apiKey: 'none', fetch, maxRetries: 0 });

const CHUNKS = 500;
const ROUNDS = 41;
const encoder = new TextEncoder();
const event = (delta: object, finish: string | null) =>
  encoder.encode(
    `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'gpt-5', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`,
  );

const DONE = encoder.encode('data: [DONE]\n\n');

export function streamFetch(): Promise<Response> {
  let sent = 0;
  const body = new ReadableStream({
    type: 'bytes',
    pull(controller) {
      if (sent < CHUNKS) controller.enqueue(event({ content: ` word${sent}` }, sent === CHUNKS - 1 ? 'stop' : null));
      else if (sent === CHUNKS) controller.enqueue(DONE.slice());
      else controller.close();
      sent++;
    },
  });
  return Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }));
}

/** What looking at a body costs as it passes, when nothing is done with it. */
async function passingFetch(): Promise<Response> {
  const { body, headers } = await streamFetch();
  const reader = (body as ReadableStream<Uint8Array<ArrayBuffer>>).getReader();
  const passed = new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      const { done, value } = await reader.read();
      if (!done) controller.enqueue(value);
      else {
        controller.close();
        controller.byobRequest?.respond(0);
      }
    },
  });
  return new Response(passed, { headers });
}

export async function readStream(openai: OpenAI): Promise<void> {
  for await (const _chunk of await openai.chat.completions.create({
    model: 'gpt-5',
    messages: MESSAGES,
    stream: true,
  }));
}

async function stream(capture: Capture, goal: number): Promise<Row> {
  const { tracer, recorder, flush } = setup({ capture });
  const bare = client(streamFetch);
  const reading = (openai: OpenAI) => async (count: number) => {
    for (let i = 0; i < count; i++) await readStream(openai);
  };
  const recorded = reading(client(wrapFetch(streamFetch)));
  const pair = { count: 10, floor: reading(bare), between: flush };
  const ours = (count: number) => recorder.run({ kind: 'bench' }, () => recorded(count));
  const byHand = async (count: number) => {
    for (let i = 0; i < count; i++) await handMadeStream(tracer, bare, capture === 'content');
  };
  const measured = await measure({ ...pair, ours }, ROUNDS);
  const handCost = await measure({ ...pair, ours: byHand }, ROUNDS);
  const searching = client(searchingFetch(streamFetch, tracer, capture === 'content'));
  const searchCost = await measure({ ...pair, ours: inContext(tracer, reading(searching)) }, ROUNDS);
  const passing = await measure({ ...pair, ours: reading(client(passingFetch)) }, 15);
  const each = ({ added }: Measured) => `+${(added.median / CHUNKS).toPrecision(3)} us`;
  const ratio = measured.added.median / handCost.added.median;
  return {
    floor: 'what a hand-written span, with a generator that looks at the chunks, adds to the same stream',
    figures: `${ratio.toPrecision(3)} x; ${each(measured)} a chunk, by hand ${each(handCost)}, a fetch that only searches the chunks ${each(searchCost)}, a bare pass-through stream ${each(passing)}, the bare client ${(measured.floor.median / CHUNKS).toPrecision(3)} us`,
    goal: `<= ${goal} x`,
    ofGoal: ratio / goal,
    ofFloor: measured.added.median / measured.floor.median,
  };
}

export const streamMetadata = () => stream('metadata', 1.3);
export const streamContent = () => stream('content', 1.8);

const CHUNK_BYTES = 64 * 1024;

function largeFetch(megabytes: number): Promise<Response> {
  let left = megabytes * 1024 * 1024;
  const body = new ReadableStream({
    type: 'bytes',
    pull(controller) {
      left -= CHUNK_BYTES;
      // Filled, as bytes from the network are: a chunk of zeros that were never written costs nothing.
      controller.enqueue(new Uint8Array(CHUNK_BYTES).fill(1));
      if (left <= 0) controller.close();
    },
  });
  return Promise.resolve(new Response(body, { headers: { 'content-type': 'application/octet-stream' } }));
}

export async function largeBody(megabytes = 100): Promise<Row> {
  const { recorder, flush } = setup();
  let sum = 0;
  const read = async (fetch: typeof globalThis.fetch) => {
    const { body } = await fetch(ENDPOINT, { method: 'POST', body: '{}' });
    if (!body) throw new Error('no body');
    for await (const chunk of body) for (let i = 0; i < chunk.length; i += 64) sum += chunk[i] as number;
  };
  const plain = () => largeFetch(megabytes);
  const recording = wrapFetch(plain);
  const measured = await measure(
    {
      count: 1,
      floor: () => recorder.run({ kind: 'bench' }, () => recorder.step({}, () => read(plain))),
      ours: () => recorder.run({ kind: 'bench' }, () => recorder.step({}, () => read(recording))),
      between: flush,
    },
    11,
  );
  if (sum === 0) throw new Error('nothing was read');
  return ratioRow(`plain fetch, ${megabytes} MB read by the chunk`, measured, 1.1);
}

const FIRST_BYTE_MICROS = 20;

/** From the call to the first bytes, over real HTTP. */
export async function firstByte(): Promise<Row> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(event({ content: 'first' }, null));
    // A stream without its last event has failed, and the same request after that is taken for a retry.
    setImmediate(() => {
      response.write(event({ content: 'last' }, 'stop'));
      response.end(DONE);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/chat/completions`;
  const { tracer, recorder } = setup();
  const microsOf = async (fetch: typeof globalThis.fetch) => {
    const before = performance.now();
    const response = await fetch(url, { method: 'POST', body: '{"model":"gpt-5","messages":[],"stream":true}' });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    const micros = (performance.now() - before) * 1000;
    while (!(await reader.read()).done);
    return micros;
  };
  const beside = async (way: () => Promise<number>): Promise<{ added: Figure; plain: Figure }> => {
    const round = async (index: number): Promise<readonly [number, number]> => {
      if (index % 2 === 0) return [await microsOf(fetch), await way()];
      const other = await way();
      return [await microsOf(fetch), other];
    };
    // Most of that is spent waiting.
    await warmUp(round, 4000);
    const rounds: (readonly [number, number])[] = [];
    for (let index = 0; index < 400; index++) rounds.push(await round(index));
    return {
      added: figure(rounds.map(([plain, other]) => other - plain)),
      plain: figure(rounds.map(([plain]) => plain)),
    };
  };
  const { added: difference, plain: alone } = await recorder.run({ kind: 'bench' }, () =>
    beside(() => microsOf(recordingFetch)),
  );
  const { added: byHand } = await beside(() => inSpan(() => spanByHand(tracer), microsOf));
  const [example] = await exportedBy({}, async ({ run }) => {
    await run({ kind: 'bench' }, () => microsOf(recordingFetch));
  });
  if (!example) throw new Error('the call was not exported');
  const reading = requestReader(tracer, example);
  const { added: read } = await beside(() => inSpan(reading, microsOf));
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  const micros = ({ median, low, high }: Figure) => `${median.toFixed(0)} us (${low.toFixed(0)} to ${high.toFixed(0)})`;
  return {
    floor: 'plain fetch, real HTTP on the loopback',
    figures: `+${micros(difference)}; a span by hand +${micros(byHand)}, one that reads the request +${micros(read)}; plain ${micros(alone)}`,
    goal: `<= ${FIRST_BYTE_MICROS} us`,
    ofGoal: Math.max(0, difference.median / FIRST_BYTE_MICROS),
    ofFloor: difference.median / alone.median,
  };
}
