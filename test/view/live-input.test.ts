/** What the viewer takes from the live channel, which any program on this machine can open. */
import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { until } from '../support/until.js';
import { startViewer, type ViewerProcess } from '../support/viewer.js';
import { newSpanId, newTraceId, request, runSpan } from './otlp.js';

const HANDSHAKE = { connection: 'Upgrade', upgrade: 'runtrace-live/1', 'x-runtrace-live': 'a challenge' };
const START = 1_750_000_000_000;

/** The connection, or the status with which it was refused. */
function open({ origin }: ViewerProcess, headers: Record<string, string>): Promise<Socket | number | undefined> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(`${origin}/live`, { headers });
    outgoing.on('upgrade', (_response: IncomingMessage, socket: Socket) => resolve(socket));
    outgoing.on('response', (response) => resolve(response.statusCode));
    outgoing.on('error', reject);
    outgoing.end();
  });
}

const snapshot = (change: object = {}) => ({
  traceId: newTraceId(),
  spanId: newSpanId(),
  name: 'invoke_workflow chat_turn',
  startMillis: START,
  attributes: { 'runtrace.run.kind': 'chat_turn', 'runtrace.status': 'in_progress' },
  events: [],
  sequence: 1,
  ...change,
});

describe('the live channel', () => {
  let viewer: ViewerProcess;
  let socket: Socket;
  const cleanUps: (() => unknown)[] = [];
  before(async () => {
    viewer = await startViewer({ after: (fn) => cleanUps.push(fn) });
    socket = (await open(viewer, HANDSHAKE)) as Socket;
  });
  after(async () => {
    socket.destroy();
    for (const cleanUp of cleanUps) await cleanUp();
  });

  const send = (...lines: unknown[]) =>
    socket.write(lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''));
  const rowOf = async (id: string) => (await viewer.runs()).runs.find(({ traceId }) => traceId === id);

  test('is refused without the handshake, under a foreign name, and to pages of other sites', async () => {
    for (const change of [{ upgrade: 'websocket' }, { host: 'evil.example' }, { origin: 'http://evil.example' }]) {
      assert.equal(await open(viewer, { ...HANDSHAKE, ...change }), 403, JSON.stringify(change));
    }
    const { 'x-runtrace-live': _, ...without } = HANDSHAKE;
    assert.equal(await open(viewer, without), 403);
  });

  test('skips what is no snapshot, and takes what comes after it', async () => {
    const good = snapshot();
    send(
      'no JSON',
      'null',
      '[]',
      snapshot({ traceId: 'x' }),
      snapshot({ startMillis: 'soon' }),
      snapshot({ events: 5 }),
      snapshot({ events: [null] }),
      snapshot({ name: {} }),
      'x'.repeat(5 * 1024 * 1024),
      good,
    );
    await until(async () => (await rowOf(good.traceId)) !== undefined);
    const { runs } = await viewer.runs();
    assert.deepEqual(
      runs.map(({ traceId, status, live }) => [traceId, status, live]),
      [[good.traceId, 'in_progress', true]],
    );
  });

  test('replaces a snapshot by a later one, not by an earlier one, and by the span for good', async () => {
    const ids = { traceId: newTraceId(), spanId: newSpanId() };
    send(snapshot({ ...ids, sequence: 5, name: 'five' }), snapshot({ ...ids, sequence: 4, name: 'four' }));
    await until(async () => (await rowOf(ids.traceId)) !== undefined);
    send(snapshot({ ...ids, sequence: 6, name: 'six' }));
    await until(async () => (await rowOf(ids.traceId))?.name === 'six');
    await viewer.post(request(runSpan({ ...ids, name: 'the span' })));
    const next = snapshot();
    send(
      snapshot({ ...ids, sequence: 7, name: 'seven' }),
      snapshot({ ...ids, sequence: 8, name: 'eight', endMillis: START }),
      next,
    );
    await until(async () => (await rowOf(next.traceId)) !== undefined);
    const row = await rowOf(ids.traceId);
    assert.deepEqual([row?.name, row?.status, row?.live], ['the span', 'completed', false]);
  });

  test('cuts what is too long, and a run that it shows is within the same bounds as any other', async () => {
    const big = snapshot({ attributes: { ...snapshot().attributes, big: 'x'.repeat(1024 * 1024) } });
    send(big);
    await until(async () => (await rowOf(big.traceId)) !== undefined);
    const [node] = (await viewer.detail(big.traceId)).spans;
    assert.deepEqual(node?.cut, { big: 1024 * 1024 });
  });
});
