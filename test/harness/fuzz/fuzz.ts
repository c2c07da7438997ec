import type { Redactor } from '../../../src/capture/redact/redactor.js';
import { Random } from './random.js';
import { SECRET_NAMES, type Secret, SHAPED_SECRETS, unshapedSecret } from './secrets.js';

/** Something that enters a recording. */
export type Input =
  | { readonly place: 'header'; readonly name: string; readonly value: string }
  | { readonly place: 'url'; readonly url: string }
  | { readonly place: 'text'; readonly text: string }
  | { readonly place: 'attribute'; readonly name: string; readonly value: string }
  | { readonly place: 'json'; readonly value: unknown }
  | { readonly place: 'body'; readonly contentType: string | undefined; readonly text: string };

/** An input with secrets in it, and how much of it is there. */
export interface SecretCase {
  readonly input: Input;
  readonly needles: readonly string[];
  /** How many characters of a body arrived; the rest was never seen. */
  readonly arrived: number;
  readonly maxBytes: number;
}

/** An input without secrets: nothing in it may change. */
export interface HarmlessCase {
  readonly input: Input;
}

/** Makes the case of a seed: a secret of some shape in some place. */
export function secretCase(seed: number): SecretCase {
  const random = new Random(seed);
  const { input, needles } = random.pick(SECRET_PLACES)(random);
  const length = input.place === 'body' ? input.text.length : 0;
  return {
    input,
    needles,
    arrived: random.chance(0.4) ? random.integer(0, length) : length,
    maxBytes: random.chance(0.4) ? random.integer(0, length + 10) : 1_000_000,
  };
}

/** Makes the case of a seed: counters, ids, rate limits and words in some place. */
export function harmlessCase(seed: number): HarmlessCase {
  const random = new Random(seed);
  return { input: random.pick(HARMLESS_PLACES)(random) };
}

/** Everything that a redactor keeps of an input. */
export function keep(
  redactor: Redactor,
  input: Input,
  arrived = Number.POSITIVE_INFINITY,
  maxBytes = 1_000_000,
): string {
  switch (input.place) {
    case 'header':
      return redactor.header(input.name, input.value);
    case 'url':
      return redactor.url(input.url);
    case 'text':
      return redactor.text(input.text);
    case 'attribute':
      return redactor.attribute(input.name, input.value);
    case 'json':
      return `${JSON.stringify(redactor.json(input.value))}\n${redactor.jsonText(input.value, maxBytes).text}`;
    case 'body': {
      const { text, contentType } = input;
      const totalBytes = Buffer.byteLength(text);
      return redactor.body(text.slice(0, arrived), contentType, maxBytes, totalBytes)?.text ?? '';
    }
  }
}

const WINDOW = 8;

/** A piece of a secret that is in what was kept, in any way of writing it; `undefined` if there is none. */
export function findLeak(kept: string, needles: readonly string[]): string | undefined {
  const readings = new Set([kept, kept.replaceAll('\\', ''), decodeLeniently(kept)]);
  for (const needle of needles) {
    for (let at = 0; at + PROBE <= needle.length; at += PROBE) {
      const probe = needle.slice(at, at + PROBE);
      for (const reading of readings) {
        const leak = reading.includes(probe) && windowsAround(needle, at).find((window) => reading.includes(window));
        if (leak) return leak;
      }
    }
  }
  return undefined;
}

/** Half a window: every window holds at least one of the pieces that a needle is cut into. */
const PROBE = WINDOW / 2;

/** The windows of a needle that hold the probe at `at`. */
function windowsAround(needle: string, at: number): string[] {
  const windows: string[] = [];
  for (let start = Math.max(0, at - PROBE); start <= at && start + WINDOW <= needle.length; start++) {
    windows.push(needle.slice(start, start + WINDOW));
  }
  return windows;
}

function decodeLeniently(text: string): string {
  return text.replaceAll('+', ' ').replace(/%[0-9A-Fa-f]{2}/g, (byte) => {
    return String.fromCharCode(Number.parseInt(byte.slice(1), 16));
  });
}

interface Planted {
  readonly input: Input;
  readonly needles: readonly string[];
}

const WORDS =
  'the answer to your question is that models count tokens; a key idea: passwords should be long, secret sharing (of keys) helps: ' +
  'größer 漢字 😀 null {not json} [really] "quoted" it\'s 100% done & dusted';

function prose(random: Random, most = 12): string {
  const words = WORDS.split(' ');
  return Array.from({ length: random.integer(0, most) }, () => random.pick(words)).join(' ');
}

/** A secret that its shape gives away, or one after a name, as text. */
function secretInText(random: Random): Secret {
  if (random.chance(0.75)) return random.pick(Object.values(SHAPED_SECRETS))(random);
  const name = random.pick(SECRET_NAMES);
  const secret = unshapedSecret(random);
  const text = random.pick([
    `${name}=${secret.text}`,
    `${name}: ${secret.text}`,
    `"${name}": "${secret.text}"`,
    `'${name}': '${secret.text}'`,
    `\\"${name}\\":\\"${secret.text}\\"`,
    `--${name} = "${secret.text}, and more"`,
  ]);
  return { text, needles: secret.needles };
}

/** A text with a secret in the middle. */
function secretProse(random: Random): Secret {
  const { text, needles } = secretInText(random);
  const [before, after] = random.pick([
    [' ', ' '],
    ['\n', '\n'],
    ['"', '"'],
    ["'", "'"],
    ['(', ')'],
    ['`', '`'],
    ['<', '>'],
    [': ', '.'],
    ['=', ''],
    ['\\n', '\\n'],
    ['\t', '\r\n'],
    ['', ''],
  ] as const);
  return { text: `${prose(random)}${before === '' ? ' ' : before}${text}${after || ' '}${prose(random)}`, needles };
}

/** A JSON value with a secret somewhere in it. */
function secretValue(random: Random, depth = 0): { value: unknown; needles: readonly string[] } {
  const more = () => secretValue(random, depth + 1);
  const chance = depth > 4 ? random.integer(0, 3) : random.integer(0, 10);
  switch (chance) {
    case 0:
    case 1: {
      const { text, needles } = secretProse(random);
      return { value: text, needles };
    }
    case 2: {
      const { text, needles } = unshapedSecret(random);
      return { value: { ...harmlessFields(random), [random.pick(SECRET_NAMES)]: text }, needles };
    }
    case 3: {
      const { text, needles } = random.pick(Object.values(SHAPED_SECRETS))(random);
      return { value: { ...harmlessFields(random), [text]: random.integer(0, 9) }, needles };
    }
    case 4: {
      const { text, needles } = unshapedSecret(random);
      const name = random.pick(SECRET_NAMES);
      return {
        value: random.pick<unknown>([
          { name, value: text },
          { value: text, name },
          [[name, text]],
          [
            ['accept', 'a'],
            [name, text],
          ],
        ]),
        needles,
      };
    }
    case 5: {
      const { text, needles } = unshapedSecret(random);
      return { value: { credentials: { user: 'me', nested: [text, { deeper: text }] } }, needles };
    }
    case 6:
    case 7: {
      const { value, needles } = more();
      return { value: { role: 'tool', arguments: JSON.stringify(value), ...harmlessFields(random) }, needles };
    }
    case 8: {
      const { value, needles } = more();
      return { value: [prose(random), random.next(), value, null], needles };
    }
    default: {
      const { value, needles } = more();
      return { value: { ...harmlessFields(random), content: value, last: true }, needles };
    }
  }
}

function split(random: Random, text: string): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; ) {
    const length = random.integer(1, random.pick([2, 8, 40]));
    pieces.push(text.slice(at, at + length));
    at += length;
  }
  return pieces;
}

/** Streams that spell a text bit by bit, as the model APIs do. */
const DELTAS: readonly ((piece: string) => { event?: string; data: object })[] = [
  (piece) => ({
    data: { id: 'chatcmpl-1', object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content: piece } }] },
  }),
  (piece) => ({
    data: {
      id: 'chatcmpl-1',
      choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: piece } }] } }],
    },
  }),
  (piece) => ({
    event: 'response.output_text.delta',
    data: { type: 'response.output_text.delta', item_id: 'msg_1', output_index: 0, content_index: 0, delta: piece },
  }),
  (piece) => ({
    event: 'content_block_delta',
    data: { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: piece } },
  }),
  (piece) => ({
    event: 'content_block_delta',
    data: { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: piece } },
  }),
  (piece) => ({ data: { candidates: [{ content: { parts: [{ text: piece }], role: 'model' }, index: 0 }] } }),
  (piece) => ({ data: { type: 'text-delta', id: '0', delta: piece } }),
];

function eventText({ event, data }: { event?: string; data: object }, lineEnd: string): string {
  const name = event === undefined ? '' : `event: ${event}${lineEnd}`;
  return `${name}data: ${JSON.stringify(data)}${lineEnd}${lineEnd}`;
}

function body(contentType: string | undefined, text: string, needles: readonly string[]): Planted {
  return { input: { place: 'body', contentType, text }, needles };
}

const SECRET_PLACES: readonly ((random: Random) => Planted)[] = [
  (random) => {
    const { text, needles } = random.chance(0.5) ? secretProse(random) : unshapedSecret(random);
    const isShaped = text.includes(' ') || needles[0] !== text;
    const name = isShaped ? random.pick(['x-forwarded', 'user-agent', 'link', 'baggage']) : random.pick(SECRET_NAMES);
    return { input: { place: 'header', name, value: text }, needles };
  },
  (random) => {
    const { text, needles } = unshapedSecret(random);
    const value = encodeURIComponent(text);
    const name = random.pick(['key', 'api_key', 'api-key', 'access_token', 'token', 'sig', 'X-Amz-Signature', 'code']);
    const url = random.pick([
      `https://api.example.com/v1/x?alt=sse&${name}=${value}&max_tokens=5`,
      `/v1/x?${name}=${value}`,
      `https://me:${value}@example.com/`,
      `https://example.com/#a=1&${name}=${value}`,
      `wss://example.com/?${name}=${value}#top`,
    ]);
    return { input: { place: 'url', url }, needles };
  },
  (random) => {
    const { text, needles } = secretInText(random);
    const value = encodeURIComponent(text);
    const url = random.pick([
      `https://example.com/v1/${value}/chat`,
      `https://example.com/v1?q=${value}`,
      `/v1/${value}`,
      `https://example.com/v1#${value}`,
      `https://example.com/v1?next=${encodeURIComponent(`https://a.example/?q=${value}`)}`,
    ]);
    return { input: { place: 'url', url }, needles };
  },
  (random) => {
    const { text, needles } = secretProse(random);
    return { input: { place: 'text', text }, needles };
  },
  (random) => {
    const { text, needles } = secretProse(random);
    const stack = `APIError: 401 ${text}\n    at Client.post (file:///app/node_modules/openai/client.mjs:17:5)\n    at async run (/app/a.ts:1:2)`;
    return { input: { place: 'text', text: stack }, needles };
  },
  (random) => {
    const { value, needles } = secretValue(random);
    return {
      input: { place: 'text', text: `${prose(random)} 400 ${JSON.stringify(value)}` },
      needles: inText(value, needles),
    };
  },
  (random) => {
    const { text, needles } = secretProse(random);
    return { input: { place: 'attribute', name: 'app.note', value: text }, needles };
  },
  (random) => {
    const { text, needles } = unshapedSecret(random);
    return { input: { place: 'attribute', name: `app.${random.pick(SECRET_NAMES)}`, value: text }, needles };
  },
  (random) => {
    const { value, needles } = secretValue(random);
    return { input: { place: 'json', value }, needles };
  },
  (random) => {
    const { value, needles } = secretValue(random);
    const json = random.chance(0.3) ? JSON.stringify(value, null, 2) : JSON.stringify(value);
    const type = random.pick(['application/json', 'application/problem+json; charset=utf-8', 'text/plain', undefined]);
    return body(type, typeof value === 'string' ? `[${json}]` : json, needles);
  },
  (random) => {
    const { text, needles } = secretProse(random);
    const delta = random.pick(DELTAS);
    const lineEnd = random.chance(0.2) ? '\r\n' : '\n';
    const events = split(random, text).map((piece) => eventText(delta(piece), lineEnd));
    return body('text/event-stream', `${events.join('')}data: [DONE]${lineEnd}${lineEnd}`, needles);
  },
  (random) => {
    const { value, needles } = secretValue(random);
    const json = JSON.stringify({ type: 'whole', item: value }, null, random.chance(0.3) ? 1 : undefined);
    const lines = json.split('\n').map((line) => `data: ${line}\n`);
    return body('text/event-stream', `: hello\nid: 7\nevent: whole\n${lines.join('')}\n`, needles);
  },
  (random) => {
    const { text, needles } = secretProse(random);
    const lines = text.split(/\r\n|[\r\n]/);
    return body(
      'text/event-stream',
      lines
        .map((line) => `data: ${line}\n`)
        .join('')
        .concat('\n'),
      needles,
    );
  },
  (random) => {
    const { text, needles } = secretProse(random);
    const lines = split(random, text).map((piece) => {
      return JSON.stringify({ model: 'm', message: { role: 'assistant', content: piece }, done: false });
    });
    return body('application/x-ndjson', `${lines.join('\n')}\n`, needles);
  },
  (random) => {
    const { value, needles } = secretValue(random);
    const lines = [harmlessFields(random), { custom_id: '1', body: value }, harmlessFields(random)];
    return body('application/jsonl', lines.map((line) => JSON.stringify(line)).join('\n'), needles);
  },
  (random) => {
    const { text, needles } = secretProse(random);
    const chunks = split(random, text).map((piece) => ({ candidates: [{ content: { parts: [{ text: piece }] } }] }));
    return body('application/json', `[${chunks.map((chunk) => JSON.stringify(chunk)).join(',\n')}]`, needles);
  },
  (random) => {
    const { text, needles } = unshapedSecret(random);
    const { text: other, needles: others } = secretProse(random);
    const form = new URLSearchParams([
      ['grant_type', 'x'],
      [random.pick(['client_secret', 'password', 'refresh_token', 'code', 'api_key']), text],
      ['note', other],
    ]);
    return body('application/x-www-form-urlencoded', String(form), [...needles, ...others]);
  },
  (random) => {
    const { text, needles } = unshapedSecret(random);
    const { text: other, needles: others } = secretProse(random);
    const { value, needles: more } = secretValue(random);
    const part = (head: string, content: string) =>
      `--xYz\r\ncontent-disposition: form-data; ${head}\r\n\r\n${content}\r\n`;
    const multipart = [
      part('name="purpose"', 'batch'),
      part(`name="${random.pick(['api_key', 'password', 'access_token'])}"`, text),
      part('name="note"', other),
      part('name="file"; filename="a.json"\r\ncontent-type: application/json', JSON.stringify({ value })),
      part('name="file"; filename="a.bin"', text),
      '--xYz--\r\n',
    ];
    return body('multipart/form-data; boundary=xYz', multipart.join(''), [...needles, ...others, ...more]);
  },
  (random) => {
    const { text, needles } = secretProse(random);
    return body(random.pick(['text/plain', 'text/html', undefined]), text, needles);
  },
  (random) => {
    const { text, needles } = unshapedSecret(random);
    const name = random.pick(['SecretAccessKey', 'SessionToken', 'password']);
    return body('application/xml', `<?xml version="1.0"?><r><a>1</a><${name}>${text}</${name}></r>`, needles);
  },
];

/** JSON in the middle of a text is read as text: names before objects and in pairs are seen, names beside values are not. */
function inText(value: unknown, needles: readonly string[]): readonly string[] {
  return hasNamesBesideValues(JSON.stringify(value)) ? [] : needles;
}

/** Whether a text holds what is a secret only where it is read as JSON: `{ name: 'api_key', value: '…' }` or `[['api_key', '…']]`. */
export function hasNamesBesideValues(json: string): boolean {
  return /"(?:name|value)\\*"|\[\[/.test(json);
}

const HEX = '0123456789abcdef';
const ID = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

function uuid(random: Random): string {
  return [8, 4, 4, 4, 12].map((length) => random.text(HEX, length)).join('-');
}

/** What model APIs say beside the text: counters, ids, settings. All of it has to stay readable. */
const HARMLESS_FIELDS: readonly ((random: Random) => Record<string, unknown>)[] = [
  (random) => ({
    usage: { input_tokens: random.integer(0, 9999), output_tokens: 5, total_tokens: 12, cached_tokens: 0 },
  }),
  (random) => ({ usage: { prompt_tokens: 3, prompt_tokens_details: { cached_tokens: random.integer(0, 9) } } }),
  (random) => ({
    usageMetadata: { promptTokenCount: 3, candidatesTokenCount: random.integer(0, 9), totalTokenCount: 4 },
  }),
  () => ({
    usage: {
      cache_creation_input_tokens: 1,
      cache_read_input_tokens: 2,
      output_tokens_details: { reasoning_tokens: 3 },
    },
  }),
  (random) => ({
    max_tokens: random.integer(1, 9999),
    max_completion_tokens: 5,
    maxOutputTokens: 7,
    budget_tokens: 1024,
  }),
  () => ({
    stop: ['\n'],
    eos_token: '</s>',
    bos_token: '<s>',
    token_type: 'bearer',
    tokenizer: 'cl100k_base',
    token_count: '17',
  }),
  () => ({
    logprobs: {
      content: [{ token: ' Hello', logprob: -0.31, bytes: [32], top_logprobs: [{ token: ' Hi', logprob: -1 }] }],
    },
  }),
  (random) => ({ index: 1, token: { id: random.integer(0, 50_000), text: ' a', logprob: -0.5, special: false } }),
  (random) => ({
    id: `chatcmpl-${random.text(ID, 29)}`,
    object: 'chat.completion',
    system_fingerprint: `fp_${random.text(HEX, 10)}`,
  }),
  (random) => ({ id: `msg_01${random.text(ID, 22)}`, type: 'message', role: 'assistant', stop_reason: 'end_turn' }),
  (random) => ({ id: `resp_${random.text(HEX, 48)}`, status: 'completed', previous_response_id: null }),
  (random) => ({ tool_call_id: `call_${random.text(ID, 24)}`, item_id: `item_${random.text(HEX, 32)}` }),
  (random) => ({ id: `toolu_01${random.text(ID, 22)}`, request_id: `req_01${random.text(ID, 22)}` }),
  (random) => ({
    request_id: uuid(random),
    trace_id: random.text(HEX, 32),
    session_id: uuid(random),
    user: uuid(random),
  }),
  (random) => ({ idempotency_key: uuid(random), prompt_cache_key: `cache-${random.text(HEX, 20)}`, public_key: 'x' }),
  (random) => ({ sha256: random.text(HEX, 64), version: '2025-08-07', model: 'claude-sonnet-4-5-20250929' }),
  (random) => ({ big: `${random.integer(1, 9)}2345678901234567890`, float: random.next(), flag: true, none: null }),
  () => ({
    tools: [
      {
        name: 'get_token_count',
        input_schema: { type: 'object', properties: { api_key: { type: 'string', description: 'The key to use' } } },
      },
    ],
  }),
  () => ({
    next_page_token: 'CAUQAA',
    has_more: false,
    key: 'ctrl+c',
    keys: ['a', 'b'],
    secretary: 'Ms. Moneypenny',
    author: 'me',
  }),
  () => ({
    api_key: null,
    password: '',
    is_secret: true,
    requires_auth: false,
    apiKeySource: 'none',
    password_policy: 'strict',
  }),
  (random) => ({
    text: prose(random),
    created: 1_760_000_000,
    // An image: letters alone may begin as a JSON Web Token does.
    base64: Buffer.from(`\x89PNG${random.text(ID, 300)}`, 'latin1').toString('base64'),
  }),
];

function harmlessFields(random: Random): Record<string, unknown> {
  let fields: Record<string, unknown> = {};
  for (let count = random.integer(1, 3); count > 0; count--)
    fields = { ...fields, ...random.pick(HARMLESS_FIELDS)(random) };
  return fields;
}

function harmlessValue(random: Random, depth = 0): unknown {
  const fields = harmlessFields(random);
  if (depth > 3 || random.chance(0.3)) return fields;
  const inner = harmlessValue(random, depth + 1);
  return random.pick<unknown>([
    [inner, harmlessFields(random), prose(random)],
    { ...fields, output: inner },
    { ...fields, arguments: JSON.stringify(inner) },
    { role: 'user', content: [{ type: 'text', text: prose(random) }, inner] },
  ]);
}

const HARMLESS_HEADERS: readonly ((random: Random) => [string, string])[] = [
  (random) => ['x-ratelimit-remaining-tokens', String(random.integer(0, 150_000))],
  () => ['x-ratelimit-reset-tokens', '6m0s'],
  () => ['anthropic-ratelimit-input-tokens-remaining', '49000'],
  () => ['anthropic-ratelimit-tokens-reset', '2026-11-20T12:00:00Z'],
  () => ['retry-after', '17'],
  () => ['retry-after-ms', '1700'],
  (random) => ['x-request-id', `req_${random.text(HEX, 32)}`],
  (random) => ['request-id', `req_011${random.text(ID, 21)}`],
  (random) => ['x-amzn-requestid', uuid(random)],
  (random) => ['cf-ray', `${random.text(HEX, 16)}-FRA`],
  (random) => ['idempotency-key', `stainless-node-retry-${uuid(random)}`],
  () => ['content-type', 'text/event-stream; charset=utf-8'],
  () => ['user-agent', 'OpenAI/JS 7.57.0'],
  () => ['x-stainless-retry-count', '2'],
  () => ['openai-organization', 'my-organization-name'],
  (random) => ['traceparent', `00-${random.text(HEX, 32)}-${random.text(HEX, 16)}-01`],
  (random) => ['etag', `W/"${random.text(HEX, 40)}"`],
  () => ['location', 'https://example.com/v1/files?limit=5&after=file-abc'],
];

const HARMLESS_URLS: readonly ((random: Random) => string)[] = [
  () => 'https://api.openai.com/v1/chat/completions',
  () => 'https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse',
  () => 'https://x.openai.azure.com/openai/deployments/gpt-5/chat/completions?api-version=2025-04-01-preview',
  (random) => `https://api.openai.com/v1/responses/resp_${random.text(HEX, 48)}?include[]=usage&max_tokens=5`,
  (random) => `https://api.openai.com/v1/threads/thread_${random.text(ID, 24)}/runs?limit=20&order=desc`,
  (random) => `https://api.example.com/items/${uuid(random)}#section-2`,
  () => 'http://127.0.0.1:8080/v1/messages?beta=true',
  () => '/v1/models?page_token=abc&page=2',
  () => 'https://packages.example.com/@anthropic-ai/sdk',
];

const HARMLESS_PLACES: readonly ((random: Random) => Input)[] = [
  (random) => {
    const [name, value] = random.pick(HARMLESS_HEADERS)(random);
    return { place: 'header', name, value };
  },
  (random) => ({ place: 'url', url: random.pick(HARMLESS_URLS)(random) }),
  (random) => ({ place: 'text', text: `429 ${prose(random)} (${random.pick(HARMLESS_URLS)(random)})` }),
  (random) => ({ place: 'attribute', name: 'app.usage.input_tokens', value: String(random.integer(0, 99)) }),
  (random) => ({ place: 'body', contentType: 'application/json', text: JSON.stringify(harmlessValue(random)) }),
  (random) => ({
    place: 'body',
    contentType: 'application/json',
    text: JSON.stringify(harmlessValue(random), null, 2),
  }),
  (random) => ({ place: 'body', contentType: 'text/plain', text: prose(random, 60) }),
  (random) => {
    const lines = Array.from({ length: random.integer(1, 5) }, () => JSON.stringify(harmlessValue(random)));
    return { place: 'body', contentType: 'application/jsonl', text: lines.join('\n') };
  },
  (random) => {
    const delta = random.pick(DELTAS);
    const pieces = split(random, prose(random, 40));
    const events = pieces.map((piece) => eventText(delta(piece), '\n')).join('');
    const usage = eventText({ event: 'usage', data: harmlessFields(random) }, '\n');
    return { place: 'body', contentType: 'text/event-stream', text: `: ping\n\n${events}${usage}data: [DONE]\n\n` };
  },
  (random) => {
    const form = new URLSearchParams([
      ['grant_type', 'client_credentials'],
      ['max_tokens', '5'],
      ['q', prose(random)],
    ]);
    return { place: 'body', contentType: 'application/x-www-form-urlencoded', text: String(form) };
  },
];
