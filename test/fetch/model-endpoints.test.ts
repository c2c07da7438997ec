/** The endpoints of the formats that are read: a call in a run is never without a step, for any answer of the server. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { recordingFetch, wrapFetch } from 'runtrace';
import { only, outcomesOf, stepsOfRun, traced } from '../support/traced.js';
import { ENDPOINTS, type Endpoint, type Sent } from './model-endpoints.js';

/** How the server deals with the next request. */
let answer: (response: ServerResponse) => void;
const server = createServer((request, response) => request.resume().on('end', () => answer(response)));
const globalFetch = globalThis.fetch;

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const local = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  // Each call asks its provider's own address. What is below the recording fetch sends it to the server here.
  globalThis.fetch = (input, init) => globalFetch(`${local}${new URL(String(input)).pathname}`, init);
});

after(() => {
  globalThis.fetch = globalFetch;
  server.closeAllConnections();
  server.close();
});

function begin(response: ServerResponse, { type, headers = {} }: Sent, status = 200): void {
  response.writeHead(status, { 'content-type': type, ...headers });
}

function send(sent: Sent, status = 200): typeof answer {
  return (response) => {
    begin(response, sent, status);
    response.end(sent.body);
  };
}

/** The first half of a body, and then a reset of the connection, or an end as if that were all. */
function half(sent: Sent, then: 'reset' | 'end'): typeof answer {
  return (response) => {
    begin(response, sent);
    const bytes = Buffer.from(sent.body);
    response.write(bytes.subarray(0, bytes.length / 2), () => {
      if (then === 'end') response.end();
      else setTimeout(() => response.socket?.resetAndDestroy(), 5);
    });
  };
}

/** The first half of a stream, up to the end of an event, and then an error. */
function failMidStream(sent: Sent, error: string | Uint8Array): typeof answer {
  return (response) => {
    begin(response, sent);
    response.end(
      Buffer.concat([
        typeof sent.body === 'string' ? firstEvent(sent.body) : firstMessage(sent.body),
        Buffer.from(error),
      ]),
    );
  };
}

function firstEvent(body: string): Buffer {
  const end = body.includes('\n\n') ? body.indexOf('\n\n') + 2 : body.indexOf('\n') + 1;
  return Buffer.from(body.slice(0, end));
}

/** An AWS message begins with its length. */
function firstMessage(body: Uint8Array): Buffer {
  const bytes = Buffer.from(body);
  return bytes.subarray(0, bytes.readUInt32BE(0));
}

async function stepOf({ url, body, headers = {} }: Pick<Endpoint, 'url' | 'body' | 'headers'>, fetch = recordingFetch) {
  const isForm = body instanceof FormData;
  const { steps } = await stepsOfRun(async () => {
    const init = {
      method: 'POST',
      headers: isForm ? headers : { 'content-type': 'application/json', ...headers },
      body: isForm ? body : JSON.stringify(body),
    };
    await fetch(url, init)
      .then((response) => response.arrayBuffer())
      .catch(() => {});
  });
  return only(steps);
}

type Step = Awaited<ReturnType<typeof stepOf>>;

function judge(
  step: Step,
  { operation, provider, model = 'm' }: Endpoint,
  outcome: readonly string[],
  errorType?: string,
) {
  const { attributes } = step;
  assert.deepEqual(outcomesOf(step), outcome);
  assert.equal(attributes['gen_ai.operation.name'], operation);
  assert.equal(attributes['gen_ai.provider.name'], provider);
  assert.equal(attributes['gen_ai.request.model'], model);
  assert.equal(attributes['error.type'], errorType);
}

function judgeUsage({ attributes }: Step, [input, output]: NonNullable<Endpoint['usage']> | [] = []) {
  assert.equal(attributes['gen_ai.usage.input_tokens'], input);
  assert.equal(attributes['gen_ai.usage.output_tokens'], output);
}

const COMPLETED = ['completed', '200 completed'];
const FAILED = ['error', '200 failed'];
const RESET = ['ECONNRESET', 'UND_ERR_SOCKET'];

async function judgeCuts(endpoint: Endpoint, sent: Sent, streamed = endpoint) {
  answer = half(sent, 'reset');
  const reset = await stepOf(streamed);
  const errorType = String(reset.attributes['error.type']);
  assert.ok(RESET.includes(errorType), errorType);
  judge(reset, endpoint, FAILED, errorType);
  // Half of a sound is a sound.
  if (sent.type.startsWith('audio/')) return;
  answer = half(sent, 'end');
  judge(await stepOf(streamed), endpoint, FAILED, 'invalid_response');
}

/** What a server may answer too: nonsense. */
const NONSENSE: Readonly<Record<string, () => Response>> = {
  'an empty object': () => Response.json({}),
  nothing: () => new Response(''),
  'a page': () => new Response('<html></html>', { headers: { 'content-type': 'text/html' } }),
};

describe('A call to a model endpoint is a step:', () => {
  for (const endpoint of ENDPOINTS) {
    const { url, body, answer: whole, stream, failures } = endpoint;
    describe(`${url} ${JSON.stringify(body).slice(0, 40)}`, () => {
      it('whole', async () => {
        answer = send(whole);
        const step = await stepOf(endpoint);
        judge(step, endpoint, COMPLETED);
        judgeUsage(step, endpoint.usage);
        assert.equal(step.attributes['gen_ai.request.stream'], undefined);
      });

      it('cut', async () => judgeCuts(endpoint, whole));

      it('refused', async () => {
        answer = send(failures.refusal, 400);
        judge(await stepOf(endpoint), endpoint, ['error', '400 failed'], failures.refusalType);
      });

      it('with an error in a 200', async () => {
        answer = send(failures.failure);
        judge(await stepOf(endpoint), endpoint, FAILED, failures.failureType);
      });

      it('with nonsense', async () => {
        for (const [name, respond] of Object.entries(NONSENSE)) {
          const step = await stepOf(
            endpoint,
            wrapFetch(async () => respond()),
          );
          assert.equal(step.attributes['runtrace.status'], 'error', name);
        }
      });

      if (!stream) return;
      const { sent, ...differing } = stream;
      const streamed = { ...endpoint, ...differing };

      it('streamed', async () => {
        answer = send(sent);
        const step = await stepOf(streamed);
        judge(step, endpoint, COMPLETED);
        judgeUsage(step, streamed.usage);
      });

      it('streamed and cut', async () => judgeCuts(endpoint, sent, streamed));

      it('streamed, with an error in it', async () => {
        answer = failMidStream(sent, failures.event);
        judge(await stepOf(streamed), endpoint, FAILED, failures.eventType);
      });
    });
  }

  it('but not without a body', async () => {
    const set = traced();
    const fetch = wrapFetch(async () => Response.json({ id: 'conv_1' }));
    await set.recorder.run({ kind: 'chat_turn' }, async () => {
      await (await fetch('https://api.openai.com/v1/conversations', { method: 'POST' })).text();
    });
    await set.shutdown();
    assert.deepEqual(set.steps(), []);
  });
});
