/** Content that is searched, put off and redacted in turns is recorded as the redactor alone makes it of the whole. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { wrapFetch } from 'runtrace';
import { createRedactor } from '../../src/capture/redact/redactor.js';
import { Random } from '../harness/fuzz/random.js';
import { SECRET_NAMES, SHAPED_SECRETS } from '../harness/fuzz/secrets.js';
import { attemptsOf, traced } from '../support/traced.js';

const CONTENTS = 2000;
const AT_ONCE = 20;
const FIRST_SEED = Date.now() % 1_000_000_000;
const LIMIT = 65_536;

const redactor = createRedactor();
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const { messages } = JSON.parse(Buffer.concat(chunks).toString());
  response.setHeader('content-type', 'application/json');
  response.end(answerOf(messages.at(-1)));
});

before(() => once(server.listen(0, '127.0.0.1'), 'listening'));
after(() => server.close());

const answerOf = ({ content }: Message) =>
  JSON.stringify({
    id: 'chatcmpl-1',
    model: 'gpt-5',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 12, completion_tokens: 34, total_tokens: 46 },
  });

interface Message {
  readonly role: string;
  readonly content: string;
}

const PLAIN = [
  'the moon',
  'naïve',
  '12 €',
  '🦊',
  '"quoted"',
  '\\',
  'a\tb\n',
  '[1, 2]',
  '{"a":[',
  '","model":"x"',
  '==',
  '\ud800',
];

/** A text with secrets, with names of secrets, and with JSON in it. */
function textOf(random: Random, length: number): string {
  const shapes = Object.values(SHAPED_SECRETS);
  const special: readonly (() => string)[] = [
    () => random.pick(shapes)(random).text,
    () => JSON.stringify({ [random.pick(SECRET_NAMES)]: random.pick(PLAIN) }),
    () => `${random.pick(SECRET_NAMES)}=${random.pick(PLAIN)}`,
  ];
  let text = '';
  while (text.length < length) text += `${random.chance(0.2) ? random.pick(special)() : random.pick(PLAIN)} `;
  return text;
}

/** Messages of all sizes, together below the limits. */
function messagesOf(random: Random): Message[] {
  const count = random.chance(0.2) ? random.integer(1, 150) : random.integer(1, 4);
  const length = random.integer(1, Math.ceil(random.pick([100, 2000, 20_000]) / count));
  const messages = Array.from({ length: count }, (_, index) => ({
    role: index % 2 === 0 ? 'user' : 'assistant',
    content: textOf(random, length),
  }));
  while (Buffer.byteLength(JSON.stringify(messages.map(partsOf))) > LIMIT - 1000) messages.pop();
  return messages;
}

const partsOf = ({ role, content }: Message) => ({ role, parts: [{ type: 'text', content }] });
const json = (value: unknown) => redactor.jsonText(value, LIMIT).text;
const body = (text: string) => redactor.body(text, 'application/json', LIMIT, Buffer.byteLength(text))?.text;

/** Each way to give a body that `fetch` takes. */
const GIVEN_AS: readonly ((text: string) => BodyInit)[] = [
  (text) => text,
  (text) => Buffer.from(text),
  (text) => new TextEncoder().encode(text).buffer as ArrayBuffer,
  (text) => new Blob([text]),
];

test(`${CONTENTS} contents from seed ${FIRST_SEED} on are recorded as they are redacted alone`, async () => {
  const fetch = wrapFetch(globalThis.fetch);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/chat/completions`;
  const one = async (seed: number) => {
    const random = new Random(seed);
    const messages = messagesOf(random);
    const request = JSON.stringify({ model: 'gpt-5', temperature: 0.5, messages });
    const scene = traced({ capture: 'content' });
    await scene.recorder.run({ kind: 'test' }, async () => {
      const headers = { 'content-type': 'application/json' };
      await (await fetch(url, { method: 'POST', headers, body: random.pick(GIVEN_AS)(request) })).json();
    });
    const [step] = scene.steps();
    assert.ok(step, `seed ${seed}`);
    const last = messages.at(-1) as Message;
    const { attributes } = step;
    const [attempt] = attemptsOf(step);
    const seen = {
      input: attributes['gen_ai.input.messages'],
      output: attributes['gen_ai.output.messages'],
      request: attempt?.['http.request.body.content'],
      response: attempt?.['http.response.body.content'],
      truncated: attempt?.['runtrace.attempt.truncated_bytes'],
    };
    const sent = JSON.parse(request).messages as Message[];
    assert.deepEqual(
      seen,
      {
        input: json(sent.map(partsOf)),
        output: json([{ ...partsOf({ ...last, role: 'assistant' }), finish_reason: 'stop' }]),
        request: body(request),
        response: body(answerOf(last)),
        truncated: undefined,
      },
      `seed ${seed}`,
    );
  };
  for (let seed = FIRST_SEED; seed < FIRST_SEED + CONTENTS; seed += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => one(seed + index)));
  }
});
