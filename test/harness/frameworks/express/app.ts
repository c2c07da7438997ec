/** Express: a handler that passes a model's stream on notices that its client is gone by the response's `close`. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import express from 'express';
import { inRun } from '../support/play.js';
import { playServer } from '../support/server.js';
import { readableOf } from '../support/weather.js';

/** As far as they are used. */
type Asked = IncomingMessage & { readonly query: { readonly model: string } };
type Answer = ServerResponse & { send(text: string): void };
type Handle = (request: Asked, response: Answer) => unknown;

await playServer(async (weather) => {
  const app = express();
  const get = (path: string, handle: Handle) =>
    app.get(path, (request: Asked, response: Answer) =>
      inRun({ kind: 'chat_turn' }, () => handle(request, response)).catch(() => response.destroy()),
    );
  get('/generate', async ({ query }, response) => response.send(await weather.generate(query.model)));
  get('/loop', async ({ query }, response) => response.send(await weather.loop(query.model)));
  get('/pipeline', async ({ query }, response) => pipeline(readableOf(await weather.stream(query.model)), response));
  get('/signal', async ({ query }, response) => {
    const controller = new AbortController();
    response.on('close', () => controller.abort('user left'));
    for await (const chunk of await weather.stream(query.model, controller.signal)) response.write(chunk);
    controller.signal.throwIfAborted();
    response.end();
  });
  get('/pipe', async ({ query }, response) => {
    const stream = readableOf(await weather.stream(query.model));
    stream.on('error', () => response.destroy());
    response.on('close', () => stream.destroy());
    stream.pipe(response);
    return stream;
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ways: {
      pipeline: 'pipeline()',
      signal: 'a signal with a string as its reason',
      pipe: 'pipe() of a stream that the run returned',
    },
  };
});
