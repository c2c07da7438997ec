/** HTTP clients that send by node:http or by the package undici. `runtrace/register` sees them. */
import 'runtrace/register';
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import type { LookupFunction } from 'node:net';
import axios from 'axios';
import got from 'got';
import { step } from 'runtrace';
import * as undici8 from 'undici';
import * as undici6 from 'undici-6';
import * as undici7 from 'undici-7';
import { outcomesOf } from '../../../support/traced.js';
import { CASES } from '../support/cases.js';
import { inRun, type OwnCase, playAll } from '../support/play.js';
import { PROMPT } from '../support/prompt.js';

/** Sends a request once; resolves to the answer's body, or rejects. */
type Send = (url: string, json: object) => Promise<AsyncIterable<unknown>>;

/** What each undici has. */
interface Undici {
  readonly Agent: new (options: object) => object;
  fetch(url: string, init: object): Promise<{ readonly ok: boolean; readonly body: AsyncIterable<unknown> }>;
  request(url: string, init: object): Promise<{ readonly statusCode: number; readonly body: AsyncIterable<unknown> }>;
}

/** Connects to this machine for every host. */
const lookup: LookupFunction = (_host, { all }, found) =>
  all ? found(null, [{ address: '127.0.0.1', family: 4 }]) : found(null, '127.0.0.1', 4);
const http = new Agent({ lookup, keepAlive: false });

function byUndici(version: string, { Agent: UndiciAgent, fetch, request }: Undici): Record<string, Send> {
  const dispatcher = new UndiciAgent({ connect: { lookup } });
  const init = (json: object) => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(json),
    dispatcher,
  });
  return {
    [`undici ${version}, fetch()`]: async (url, json) => {
      const { ok, body } = await fetch(url, init(json));
      if (!ok) await refuse(body);
      return body;
    },
    [`undici ${version}, request()`]: async (url, json) => {
      const { statusCode, body } = await request(url, init(json));
      if (statusCode !== 200) await refuse(body);
      return body;
    },
  };
}

async function refuse(body: AsyncIterable<unknown>): Promise<never> {
  for await (const _part of body);
  throw new Error('refused');
}

const SENDS: Record<string, Send> = {
  got: async (url, json) => {
    const stream = got.stream.post(url, { json, agent: { http }, retry: { limit: 0 } });
    await new Promise((resolve, reject) => stream.once('response', resolve).once('error', reject));
    return stream;
  },
  axios: async (url, json) => (await axios.post(url, json, { httpAgent: http, responseType: 'stream' })).data,
  ...byUndici('6', undici6 as unknown as Undici),
  ...byUndici('7', undici7 as unknown as Undici),
  ...byUndici('8', undici8 as unknown as Undici),
};

/** The cases of one client. It does not retry, so the application does, in a step. */
function casesOf(name: string, send: Send, url: string): OwnCase[] {
  const ask = (model: string, stream: boolean) =>
    send(url, { model, stream, messages: [{ role: 'user', content: PROMPT }] });
  const once = async (model: string) => {
    for await (const _part of await ask(model, false));
  };
  const framework = {
    generate: (model: string) => step({ model }, () => once(model).catch(() => once(model).catch(() => once(model)))),
    stream: (model: string) => ask(model, true),
    loop: () => Promise.reject(new Error('it has no loop')),
  };
  return CASES.filter((one) => one.name !== 'tool loop').map((one) => ({
    name: `${name}: ${one.name}`,
    script: one.script,
    play: (model) => inRun({ kind: 'chat_turn' }, () => one.play(framework, model)),
    judge: ({ steps }) => assert.deepEqual(steps().map(outcomesOf), one.steps),
  }));
}

await playAll((baseURL) => {
  const url = `http://api.openai.com:${new URL(baseURL).port}/v1/chat/completions`;
  return { ways: {}, more: Object.entries(SENDS).flatMap(([name, send]) => casesOf(name, send, url)) };
});
