/** What large bodies cost: the call of a client that writes and parses them itself, with everything that is done later until the span has ended. */
import { wrapFetch } from 'runtrace';
import { figure, measure, type Row, warmUp } from './measure.js';
import { setup } from './setup.js';
import { words } from './spans.js';

const CHAT = 'https://api.openai.com/v1/chat/completions';
const EMBEDDINGS = 'https://api.openai.com/v1/embeddings';

/** One call: what the client sends, and the text that it gets. */
interface Call {
  readonly url: string;
  readonly request: object;
  readonly answer: string;
  /** The most that may be added, as shares of the bare client. Default: those of large bodies. */
  readonly shares?: { readonly metadata: number; readonly content: number };
}

const answerOf = (length: number) =>
  JSON.stringify({
    id: 'chatcmpl-1',
    model: 'gpt-5',
    choices: [{ index: 0, message: { role: 'assistant', content: words(length) }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 12, completion_tokens: 34, total_tokens: 46 },
  });

/** A conversation whose messages have this length. */
function chat(bytes: number, length: number): object {
  const messages = Array.from({ length: Math.ceil(bytes / length) }, (_, turn) => ({
    role: turn % 2 ? 'assistant' : 'user',
    content: `${words(length)} It's "quoted", costs $${turn}.99 and has\nseveral lines.`,
  }));
  return { model: 'gpt-5', temperature: 0.2, messages };
}

function image(bytes: number): object {
  const url = `data:image/png;base64,${Buffer.alloc(bytes, 'a picture with many colours').toString('base64')}`;
  const content = [
    { type: 'text', text: 'What is this?' },
    { type: 'image_url', image_url: { url } },
  ];
  return { model: 'gpt-5', messages: [{ role: 'user', content }] };
}

function vectors(count: number, dimensions: number): string {
  const embedding = Array.from({ length: dimensions }, (_, index) => Math.sin(index) / 30);
  const data = Array.from({ length: count }, (_, index) => ({ object: 'embedding', index, embedding }));
  return JSON.stringify({
    object: 'list',
    data,
    model: 'text-embedding-3-small',
    usage: { prompt_tokens: 800, total_tokens: 800 },
  });
}

/** Small bodies may cost no more than before large ones were searched instead of parsed: 128 and 202 us then, and 31 of the bare client. */
const SHARES_BEFORE = { metadata: 128 / 31, content: 202 / 31 };

const CALLS: Readonly<Record<string, () => Call>> = {
  'request of 1 kB': () => ({
    url: CHAT,
    request: chat(1000, 500),
    answer: answerOf(200),
    shares: SHARES_BEFORE,
  }),
  'request of 1 MB of chat': () => ({ url: CHAT, request: chat(1e6, 2000), answer: answerOf(200) }),
  'request of 1 MB of chat in short messages': () => ({ url: CHAT, request: chat(1e6, 300), answer: answerOf(200) }),
  'request with an image of 3 MB': () => ({ url: CHAT, request: image(3e6), answer: answerOf(200) }),
  'answer of 1 MB': () => ({ url: CHAT, request: chat(100, 100), answer: answerOf(1e6) }),
  '100 embeddings of 1536 numbers': () => ({
    url: EMBEDDINGS,
    request: { model: 'text-embedding-3-small', input: Array.from({ length: 100 }, () => words(40)) },
    answer: vectors(100, 1536),
  }),
};

const WARM_UP_MILLIS = 3000;
const METADATA_SHARE = 0.1;
const CONTENT_MICROS = 2000;
const BLOCK_MILLIS = 5;

/** Short calls of the same kind, for the warm-up. */
const SMALL_CALLS: Readonly<Record<string, Call>> = {
  [CHAT]: { url: CHAT, request: chat(100, 100), answer: answerOf(200) },
  [EMBEDDINGS]: {
    url: EMBEDDINGS,
    request: { model: 'text-embedding-3-small', input: [words(40)] },
    answer: vectors(1, 8),
  },
};

const encoder = new TextEncoder();

/** Encodes the body, as every fetch over a network does: that joins the pieces in which `JSON.stringify` leaves a text. */
function answering(answer: string): typeof fetch {
  const bytes = encoder.encode(answer);
  return async (_input, init) => {
    encoder.encode(String(init?.body));
    return new Response(bytes, { headers: { 'content-type': 'application/json' } });
  };
}

async function largeCall(call: Call, capture: 'metadata' | 'content'): Promise<Row> {
  const { recorder, flush } = setup({ capture });
  const plain = answering(call.answer);
  const recording = wrapFetch(plain);
  const init = (body: string) => ({ method: 'POST', body, headers: { 'content-type': 'application/json' } });
  const use =
    (fetch: typeof globalThis.fetch, { url, request } = call) =>
    (count: number) =>
      recorder.run({ kind: 'bench' }, async () => {
        for (let index = 0; index < count; index++) {
          await (await fetch(url, init(JSON.stringify(request)))).json();
          await turns();
        }
      });
  const settled = (work: (count: number) => Promise<void>) => async (count: number) => {
    await work(count);
    await flush();
  };
  // Large calls alone are too few in the time of a warm-up for the engine to compile what does not depend on their size.
  const small = SMALL_CALLS[call.url] as Call;
  const smallPlain = answering(small.answer);
  const works = [wrapFetch(smallPlain), smallPlain].map((fetch) => settled(use(fetch, small)));
  await warmUp(() => Promise.all(works.map((work) => work(3))), WARM_UP_MILLIS);
  const measured = await measure({ count: 3, ours: settled(use(recording)), floor: settled(use(plain)) }, 31);

  // A client that has the text and takes the bytes leaves nothing but the recording to block the event loop.
  const body = JSON.stringify(call.request);
  const blockOf = async (fetch: typeof globalThis.fetch) => {
    const watch = new BlockWatch();
    await recorder.run({ kind: 'bench' }, async () => {
      await (await fetch(call.url, init(body))).arrayBuffer();
      await turns();
    });
    await flush();
    return watch.end();
  };
  await warmUp(() => blockOf(recording));
  const blocks: number[] = [];
  const bareBlocks: number[] = [];
  for (let index = 0; index < 31; index++) {
    blocks.push(await blockOf(recording));
    bareBlocks.push(await blockOf(plain));
  }
  const { added, floor } = measured;
  const share = added.median / floor.median;
  const block = figure(blocks).median;
  const mostShare = call.shares?.[capture] ?? (capture === 'metadata' ? METADATA_SHARE : undefined);
  const ofGoal =
    mostShare === undefined
      ? { ofGoal: Math.max(0, added.median / CONTENT_MICROS, block / BLOCK_MILLIS), ofFloor: share }
      : { ofGoal: Math.max(0, share / mostShare) };
  return {
    floor: 'the bare client: its own stringify and parse, and the encoding of the body that every fetch does',
    figures: `+${added.median.toFixed(0)} us, ${(100 * share).toFixed(1)} % of ${floor.median.toFixed(0)} us; longest block ${block.toFixed(2)} ms, bare ${figure(bareBlocks).median.toFixed(2)} ms`,
    goal:
      mostShare === undefined
        ? `<= ${CONTENT_MICROS} us, no block of more than ${BLOCK_MILLIS} ms`
        : `<= ${(100 * mostShare).toFixed(0)} %`,
    ...ofGoal,
  };
}

/** Enough turns of the event loop for everything that waits for one. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Finds the longest time in which no other callback could run. */
class BlockWatch {
  #last = performance.now();
  #longest = 0;
  #ended = false;

  constructor() {
    this.#turn();
  }

  end(): number {
    this.#look();
    this.#ended = true;
    return this.#longest;
  }

  #turn(): void {
    if (this.#ended) return;
    this.#look();
    setImmediate(() => this.#turn());
  }

  #look(): void {
    const now = performance.now();
    this.#longest = Math.max(this.#longest, now - this.#last);
    this.#last = now;
  }
}

/** Each call at both levels of capture. */
export const bodyCases: Readonly<Record<string, () => Promise<Row>>> = Object.fromEntries(
  Object.entries(CALLS).flatMap(([name, call]) =>
    (['metadata', 'content'] as const).map((capture) => [`${name}, ${capture}`, () => largeCall(call(), capture)]),
  ),
);
