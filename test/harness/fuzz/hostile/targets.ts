/** All code that reads input from outside, each as a function of bytes that throws if a promise is broken. */

import assert from 'node:assert/strict';
import { createRedactor } from '../../../../src/capture/redact/redactor.js';
import { tree } from '../../../../src/cli/tree.js';
import { readGrpcError } from '../../../../src/exporter/sender/grpc/grpc-status.js';
import { readAnswer } from '../../../../src/exporter/sender/http/http-response.js';
import { retryAfterMillis } from '../../../../src/exporter/sender/http/retry-after.js';
import { decodeFile, parseFileName } from '../../../../src/exporter/spool/file.js';
import { retryAfterMillis as providersRetryAfter } from '../../../../src/fetch/retry-after.js';
import { readModelCall } from '../../../../src/providers/detect.js';

/** One request of each format. */
const REQUESTS: readonly [url: string, body: object][] = [
  ['https://api.openai.com/v1/chat/completions', { model: 'm', messages: [], stream: true }],
  ['https://api.openai.com/v1/responses', { model: 'm', input: 'x' }],
  ['https://api.anthropic.com/v1/messages', { model: 'm', messages: [], max_tokens: 1, stream: true }],
  ['https://generativelanguage.googleapis.com/v1beta/models/gemini:streamGenerateContent', { contents: [] }],
  ['https://api.cohere.com/v2/chat', { model: 'm', messages: [] }],
  ['http://localhost:11434/api/chat', { model: 'm', messages: [] }],
  ['https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse-stream', { messages: [] }],
  ['https://bedrock-runtime.us-east-1.amazonaws.com/model/m/invoke-with-response-stream', { messages: [] }],
  ['https://api.mistral.ai/v1/conversations', { model: 'm', inputs: 'x' }],
  ['https://api.openai.com/v1/embeddings', { model: 'm', input: 'x' }],
];
const CONTENT_TYPES = [
  'application/json',
  'text/event-stream',
  'application/x-ndjson',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=b',
  'text/plain',
  'text/html',
];
const STATUSES = [200, 301, 400, 413, 415, 429, 503];
const MAX_BYTES = 1000;
/** Control and format characters, as in a terminal's escape sequences. */
const CONTROLS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

const redactor = createRedactor();

/** The first byte chooses, the rest is the input. */
function choice<T>(data: Uint8Array, from: readonly T[]): { chosen: T; rest: Buffer } {
  return { chosen: from[(data[0] ?? 0) % from.length] as T, rest: Buffer.from(data.subarray(1)) };
}

export const TARGETS: Readonly<Record<string, (data: Uint8Array) => void>> = {
  /** A provider's answer, in two chunks. Nothing is thrown. */
  answer(data) {
    const { chosen, rest } = choice(data, REQUESTS);
    const [url, body] = chosen;
    const reader = readModelCall(
      { method: 'POST', url: new URL(url), body: JSON.stringify(body) },
      { content: true },
    )?.openAnswer();
    assert.ok(reader);
    const cut = (rest[0] ?? 0) % (rest.length + 1);
    reader.chunk(rest.subarray(0, cut));
    reader.answer();
    reader.chunk(rest.subarray(cut));
    reader.end();
    JSON.stringify(reader.answer());
  },

  /** The body of an application's request. Nothing is thrown. */
  request(data) {
    const { chosen, rest } = choice(data, REQUESTS);
    JSON.stringify(
      readModelCall({ method: 'POST', url: new URL(chosen[0]), body: rest.toString('utf8') }, { content: true })
        ?.request,
    );
  },

  /** A body within its bounds; JSON stays JSON. */
  redactor(data) {
    const { chosen: type, rest } = choice(data, CONTENT_TYPES);
    const text = rest.toString('utf8');
    const bounded = redactor.body(text, type, MAX_BYTES, rest.length);
    if (bounded) assert.ok(Buffer.byteLength(bounded.text) <= MAX_BYTES);
    if (bounded && type === 'application/json') JSON.parse(bounded.text);
    redactor.text(text);
    redactor.url(text);
    redactor.header('x-value', text);
  },

  /** A file of the spool or of another program, and the trees that `show` prints of it. */
  file(data) {
    const { spans } = decodeFile(Buffer.from(data));
    assert.doesNotMatch(tree(spans).replaceAll('\n', ''), CONTROLS);
    parseFileName(Buffer.from(data).toString('utf8'));
  },

  /** What an OTLP endpoint answers. The report is one short line. */
  backend(data) {
    const { chosen: status, rest } = choice(data, STATUSES);
    const { chosen: type, rest: body } = choice(rest, ['application/json', 'application/x-protobuf', 'text/plain']);
    const text = body.toString('utf8');
    const headers = { 'content-type': type, location: text, 'retry-after': text };
    const metadata = { get: () => [body] };
    const error = Object.assign(new Error(text), { code: 8, metadata });
    for (const result of [readAnswer({ status, headers, body }, 3, 0), readGrpcError(error, 0)]) {
      if ('why' in result) assert.doesNotMatch(result.why, CONTROLS);
      if ('why' in result) assert.ok(result.why.length < 1000);
      if (result.kind === 'rejected') assert.ok(result.count >= 0 && result.count <= 3);
      if (result.kind === 'retry' && result.at !== undefined) assert.ok(result.at >= 0 && result.at <= 300_000);
    }
  },

  /** A Retry-After, of an OTLP endpoint and of a provider. */
  'retry-after'(data) {
    const text = Buffer.from(data).toString('latin1');
    const millis = retryAfterMillis(text);
    if (millis !== undefined) assert.ok(millis >= 0 && millis <= 300_000);
    for (const name of ['retry-after', 'retry-after-ms']) {
      const asked = providersRetryAfter({ [name]: text });
      if (asked !== undefined) assert.ok(asked >= 0);
    }
  },
};
