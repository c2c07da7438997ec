/** Fastify: a handler that returns a stream, or that writes to `reply.raw` itself. */
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import fastify from 'fastify';
import { inRun } from '../support/play.js';
import { playServer } from '../support/server.js';
import { readableOf } from '../support/weather.js';

/** As far as they are used. */
interface Asked {
  readonly query: { readonly model: string };
}
interface Reply {
  readonly raw: ServerResponse;
  hijack(): void;
}

await playServer(async (weather) => {
  const app = fastify();
  const get = (path: string, handle: (model: string, reply: Reply) => unknown) =>
    app.get(path, ({ query }: Asked, reply: Reply) => inRun({ kind: 'chat_turn' }, () => handle(query.model, reply)));
  get('/generate', (model) => weather.generate(model));
  get('/loop', (model) => weather.loop(model));
  get('/return', async (model) => readableOf(await weather.stream(model)));
  get('/pipeline', async (model, reply) => {
    reply.hijack();
    try {
      await pipeline(readableOf(await weather.stream(model)), reply.raw);
    } catch (error) {
      reply.raw.destroy();
      throw error;
    }
  });
  get('/signal', async (model, reply) => {
    reply.hijack();
    const controller = new AbortController();
    reply.raw.on('close', () => controller.abort());
    try {
      for await (const chunk of await weather.stream(model, controller.signal)) reply.raw.write(chunk);
      controller.signal.throwIfAborted();
      reply.raw.end();
    } catch (error) {
      reply.raw.destroy();
      throw error;
    }
  });
  return {
    url: await app.listen({ port: 0, host: '127.0.0.1' }),
    ways: {
      return: 'return stream',
      pipeline: 'pipeline() to reply.raw',
      signal: 'a signal that is aborted when reply.raw closes',
    },
  };
});
