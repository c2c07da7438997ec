/**
 * From Node 26 on, `Readable.fromWeb` and `Response.clone` go past the methods of a body. Here they do so on every Node.
 */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { wrapFetch } from 'runtrace';
import { attemptsOf, only, traced } from '../support/traced.js';

const { getReader, tee, values } = ReadableStream.prototype;
const { clone } = Response.prototype;

Readable.fromWeb = (body) => Readable.from(values.call(body));
Response.prototype.clone = function () {
  Object.assign(this.body as ReadableStream, { tee });
  return clone.call(this);
};

const ANSWER = JSON.stringify({
  id: 'chatcmpl-1',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 2 },
});

const WAYS: Record<string, (response: Response) => Promise<string>> = {
  'Readable.fromWeb': ({ body }) => text(Readable.fromWeb(body as never)),
  'the clone of a Response made with its body': ({ body }) => new Response(body).clone().text(),
  'a reader of the prototype': ({ body }) => {
    const reader = getReader.call(body) as ReadableStreamDefaultReader;
    return text(Readable.from(read(reader)));
  },
};

async function* read(reader: ReadableStreamDefaultReader): AsyncGenerator<Uint8Array> {
  for (let result = await reader.read(); !result.done; result = await reader.read()) yield result.value;
}

for (const [name, way] of Object.entries(WAYS)) {
  test(`what is read through ${name} is seen`, async () => {
    const { recorder, steps, shutdown } = traced();
    const fetch = wrapFetch(async () => new Response(ANSWER));
    await recorder.run({ kind: 'chat_turn' }, async () => {
      const body = '{"model":"gpt-5","messages":[]}';
      assert.equal(await way(await fetch('http://mock/v1/chat/completions', { method: 'POST', body })), ANSWER);
    });
    await shutdown();
    const step = only(steps());
    assert.equal(step.attributes['gen_ai.usage.input_tokens'], 3);
    assert.equal(only(attemptsOf(step))['http.response.body.size'], ANSWER.length);
  });
}
