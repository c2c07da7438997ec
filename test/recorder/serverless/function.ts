/** A function on a platform that freezes it between requests: in a process of its own, which stops itself as soon as it may. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { NodeSDK } from '@opentelemetry/sdk-node';
import OpenAI from 'openai';
import { recordingFetch, run, StatusPrioritySpanProcessor } from 'runtrace';
import { RuntraceBatchSpanProcessor } from 'runtrace/exporter';

const spanProcessors = [new StatusPrioritySpanProcessor(), new RuntraceBatchSpanProcessor()];
new NodeSDK({ spanProcessors }).start();
const openai = new OpenAI({ apiKey: 'none', baseURL: `${process.argv[2]}/v1`, fetch: recordingFetch });

type WaitUntil = (promise: Promise<unknown>) => void;

/** As docs/serverless.md has it: what is over is settled, then sent. */
async function flush(): Promise<void> {
  for (const processor of spanProcessors) await processor.forceFlush();
}

/** As docs/serverless.md has it: awake until the answer has gone out whole, then until it is flushed. */
function flushAfter(response: Response, waitUntil: WaitUntil): Response {
  const { body } = response;
  if (!body) {
    waitUntil(flush());
    return response;
  }
  const { readable, writable } = new TransformStream();
  const sent = body.pipeTo(writable);
  waitUntil(sent.catch(() => {}).then(flush));
  return new Response(readable, response);
}

async function handle(route: string, waitUntil: WaitUntil): Promise<Response> {
  const messages: [{ role: 'user'; content: string }] = [{ role: 'user', content: 'Hi' }];
  const response = await run({ kind: 'chat_turn', conversationId: route }, async () => {
    if (route === 'streamed') {
      const stream = await openai.chat.completions.create({ model: 'streamed', messages, stream: true });
      return new Response(stream.toReadableStream());
    }
    const answer = await openai.chat.completions.create({ model: 'whole', messages });
    return Response.json(answer.choices[0]?.message.content);
  });
  if (route === 'unflushed') return response;
  return flushAfter(response, waitUntil);
}

/** The platform: it answers, waits for what it was asked to wait for, and freezes the process. */
const server = createServer(async (request, answer) => {
  const awaited: Promise<unknown>[] = [];
  const response = await handle(request.url?.slice(1) ?? '', (promise) => awaited.push(promise));
  answer.writeHead(response.status);
  await pipeline(Readable.fromWeb(response.body as never), answer).catch(() => {});
  await Promise.all(awaited);
  process.kill(process.pid, 'SIGSTOP');
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
