/**
 * Tries Express and Fastify, which are no dependencies of this package: their versions are in this folder's lock file, and the first start
 * installs them. Each handler passes a model's stream on. Each is tried twice: the client leaves, and the upstream breaks.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import type { Traced } from '../../support/traced.js';
import { ask, listen, type Server, startModel, stopModel, trial } from '../../support/visits.js';

const FOLDER = new URL('../../../../test/harness/servers/', import.meta.url);

/** As far as an application of Express is used. */
type Express = () => {
  (request: IncomingMessage, response: ServerResponse): void;
  get(path: string, handle: (request: IncomingMessage, response: ServerResponse) => unknown): void;
};

interface Reply {
  readonly raw: ServerResponse;
  hijack(): void;
}

/** As far as an application of Fastify is used. */
type Fastify = () => {
  get(path: string, handle: (request: unknown, reply: Reply) => unknown): void;
  listen(options: { port: number; host: string }): Promise<string>;
  close(): Promise<void>;
};

function install(): NodeJS.Require {
  const cwd = fileURLToPath(FOLDER);
  if (!existsSync(new URL('node_modules', FOLDER))) {
    const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd,
      stdio: 'inherit',
    });
    if (status !== 0) throw new Error('npm ci failed');
  }
  return createRequire(new URL('main.js', FOLDER));
}

const require = install();
const express = require('express') as Express;
const fastify = require('fastify') as Fastify;

const readable = async (signal?: AbortSignal) =>
  Readable.fromWeb((await ask(signal)) as Parameters<typeof Readable.fromWeb>[0]);

function inExpress(handle: (response: ServerResponse) => Promise<unknown>) {
  return ({ recorder }: Traced): Promise<Server> => {
    const app = express();
    app.get('/', (_request, response) =>
      recorder.run({ kind: 'chat_turn' }, () => handle(response)).catch(() => response.destroy()),
    );
    return listen(app);
  };
}

function inFastify(handle: (reply: Reply) => Promise<unknown>) {
  return async ({ recorder }: Traced): Promise<Server> => {
    const app = fastify();
    app.get('/', (_request, reply) => recorder.run({ kind: 'chat_turn' }, () => handle(reply)));
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    return { url, close: () => void app.close() };
  };
}

const WAYS: Record<string, (scene: Traced) => Promise<Server>> = {
  'express: pipeline()': inExpress(async (response) => pipeline(await readable(), response)),
  'express: a signal with a string as its reason': inExpress(async (response) => {
    const controller = new AbortController();
    response.on('close', () => controller.abort('user left'));
    for await (const chunk of await ask(controller.signal)) response.write(chunk);
    controller.signal.throwIfAborted();
    response.end();
  }),
  'express: pipe() of a stream that the run returned': inExpress(async (response) => {
    const stream = await readable();
    stream.on('error', () => response.destroy());
    response.on('close', () => stream.destroy());
    stream.pipe(response);
    return stream;
  }),
  'fastify: return stream': inFastify(() => readable()),
  'fastify: pipeline() to reply.raw': inFastify(async (reply) => {
    reply.hijack();
    try {
      await pipeline(await readable(), reply.raw);
    } catch (error) {
      reply.raw.destroy();
      throw error;
    }
  }),
  'fastify: a signal that is aborted when reply.raw closes': inFastify(async (reply) => {
    reply.hijack();
    const controller = new AbortController();
    reply.raw.on('close', () => controller.abort());
    try {
      for await (const chunk of await ask(controller.signal)) reply.raw.write(chunk);
    } finally {
      reply.raw.destroy();
    }
  }),
};

await startModel();
let failed = 0;
let passed = 0;
for (const [name, way] of Object.entries(WAYS)) {
  for (const leave of [true, false]) {
    const expected = leave ? 'interrupted' : 'error';
    const statuses = await trial(way, leave).catch((error: Error) => [error.message]);
    const isRight = statuses.every((status) => status === expected);
    if (isRight) passed++;
    else failed++;
    const what = leave ? 'client gone' : 'upstream broken';
    console.log(`${isRight ? 'ok    ' : 'not ok'} ${name}, ${what}: ${statuses.join(', ')}`);
  }
}
await stopModel();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
