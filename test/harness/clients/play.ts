/**
 * Plays the cases of some clients, on the Node that this process runs on. Each client calls its provider's own address; the global `fetch` is
 * replaced by one that sends every request to a provider on this machine. A client that does not send by `fetch` gets the address of that
 * provider. Arguments: names of clients. Sends its verdicts to its parent.
 */

import { recordingFetch } from 'runtrace';
import { type Provider, startProvider } from '../../../examples/demo/provider.js';
import { only, traced } from '../../support/traced.js';
import { type Case, casesOf } from './cases.js';
import type { ClientRow } from './client.js';
import { startHttp2Front } from './http2-front.js';
import { ROWS } from './rows.js';
import { ASKED_HOST } from './wire/compatible.js';
import { FORMATS } from './wire/formats.js';
import { RESULTS } from './wire/results.js';

/** How one case went. */
export interface Verdict {
  readonly client: string;
  readonly case: string;
  /** What is wrong; `undefined` if it is right. */
  readonly wrong?: string;
}

const CASE_MILLIS = 30_000;

const provider = await startProvider([...FORMATS, ...RESULTS]);
const addresses = { http1: provider.url, http2: await startHttp2Front(provider.url) };
globalThis.fetch = sentTo(provider, globalThis.fetch);
const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));
// The AI SDK prints what it warns of.
Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false });

const verdicts: Verdict[] = [];
for (const row of ROWS.filter(({ name }) => process.argv.includes(name))) {
  unhandled.length = 0;
  verdicts.push(...(await Promise.all(casesOf(row.make(recordingFetch, addresses)).map((one) => verdictOf(row, one)))));
  verdicts.push(
    ...unhandled.map((reason) => ({ client: row.name, case: 'no unhandled rejection', wrong: String(reason) })),
  );
}
process.send?.(verdicts, () => process.exit());

async function verdictOf(row: ClientRow, one: Case): Promise<Verdict> {
  const wrong = await within(CASE_MILLIS, play(row, one)).then(
    () => undefined,
    (error: Error) => error.message,
  );
  return { client: row.name, case: one.name, ...(wrong !== undefined && { wrong }) };
}

async function play(row: ClientRow, { name, script, play, judge }: Case): Promise<void> {
  const model = `model-${ROWS.indexOf(row)}-${name.replaceAll(/\W+/g, '-')}`;
  provider.script(model, ...script);
  const { recorder, steps, shutdown } = traced({
    capture: 'content',
    limits: { completedHoldMillis: 0, retryHoldMillis: 100 },
  });
  await recorder.run({ kind: 'chat_turn' }, () => play(row.make(recordingFetch, addresses), model, row));
  await shutdown();
  judge(only(steps()), row, model);
}

/** A `fetch` that asks the provider on this machine for every host. */
function sentTo({ url: address }: Provider, fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return (input, init) => {
    const request = new Request(input, init);
    const { pathname, search, hostname } = new URL(request.url);
    request.headers.set(ASKED_HOST, hostname);
    return fetch(new Request(`${address}${pathname}${search}`, request));
  };
}

function within<T>(millis: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`took longer than ${millis} ms`)), millis);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
