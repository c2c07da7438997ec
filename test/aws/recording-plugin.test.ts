import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { recordingPlugin } from 'runtrace/aws';
import { traced } from '../support/traced.js';

interface Request {
  readonly method: string;
  readonly protocol: string | undefined;
  readonly hostname: string;
  readonly port: number;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

type Handler = (args: { request: Request }) => Promise<{
  response: { statusCode: number; headers: IncomingMessage['headers']; body: IncomingMessage };
}>;

const ANSWER = {
  output: { message: { role: 'assistant', content: [{ text: 'Hi' }] } },
  stopReason: 'end_turn',
  usage: { inputTokens: 3, outputTokens: 2, totalTokens: 5 },
};

/** The answers that the server gives next; 200 when there is none. */
const statuses: number[] = [];
const server = createServer((request, response) => {
  request.resume().on('end', () => {
    const status = statuses.shift() ?? 200;
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(status === 200 ? ANSWER : { message: 'Slow down' }));
  });
});
before(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
after(() => {
  server.closeAllConnections();
  server.close();
});

/** A stub of the AWS SDK's middleware stack, with its plugin in it, above a request handler that sends by `node:http` as the SDK's does. */
function stubClient(): Handler {
  let handler: Handler = ({ request: { method, hostname, port, path, headers, body } }) =>
    new Promise((resolve, reject) => {
      const outgoing = send({ method, hostname, port, path, headers }, (incoming) =>
        resolve({
          response: { statusCode: incoming.statusCode as number, headers: incoming.headers, body: incoming },
        }),
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  recordingPlugin.applyToStack({
    add(middleware: (next: Handler, context: object) => Handler) {
      handler = middleware(handler, {});
    },
  });
  return handler;
}

function requestOf(protocol: string | undefined): Request {
  return {
    method: 'POST',
    protocol,
    hostname: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    path: '/model/amazon.nova/converse',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [{ role: 'user', content: [{ text: 'Hello' }] }] }),
  };
}

async function ask(handler: Handler, request: Request): Promise<unknown> {
  const { response } = await handler({ request });
  let text = '';
  for await (const chunk of response.body) text += chunk;
  return JSON.parse(text);
}

test('a call and its retry are two attempts of one step, whose body the SDK reads', async () => {
  const { recorder, steps, provider } = traced();
  const handler = stubClient();
  statuses.push(429);
  const answer = await recorder.run({ kind: 'k' }, async () => {
    assert.deepEqual(await ask(handler, requestOf('http:')), { message: 'Slow down' });
    return ask(handler, requestOf('http:'));
  });
  assert.deepEqual(answer, ANSWER);
  await provider.forceFlush();
  const [step, ...others] = steps();
  assert.deepEqual(others, []);
  assert.equal(step?.attributes['runtrace.step.attempt_codes'], '429 200');
  assert.equal(step?.attributes['gen_ai.usage.input_tokens'], 3);
});

test('a request that has no URL goes on to the handler all the same', async () => {
  const { recorder } = traced();
  const handler = stubClient();
  assert.deepEqual(await recorder.run({ kind: 'k' }, () => ask(handler, requestOf(undefined))), ANSWER);
});
