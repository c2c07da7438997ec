/** Hono: a handler that returns a Response with the model's stream, or that writes to a stream of Hono. */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { stream } from 'hono/streaming';
import type { Run } from 'runtrace';
import { inRun } from '../support/play.js';
import { playServer } from '../support/server.js';

await playServer(async (weather) => {
  const app = new Hono();
  const get = (path: string, handle: (c: Context, model: string, run: Run) => Response | Promise<Response>) =>
    app.get(path, (c) => inRun({ kind: 'chat_turn' }, (run) => handle(c, c.req.query('model') ?? '', run)));
  get('/generate', async (c, model) => c.text(await weather.generate(model)));
  get('/loop', async (c, model) => c.text(await weather.loop(model)));
  get('/response', async (c, model) => new Response(await weather.stream(model, c.req.raw.signal)));
  get('/helper', async (c, model, run) => {
    const answer = await weather.stream(model, c.req.raw.signal);
    // It ends the answer properly when its callback fails, so only this function knows.
    const failed = async (error: Error) => run.finish('error', { error });
    return stream(c, (out) => out.pipe(answer), failed);
  });
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
  if (!server.listening) await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ways: { response: 'a Response', helper: 'stream() with a callback for its errors' },
  };
});
