import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Provider, slow, startProvider } from '../../../examples/demo/provider.js';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../../support/otlp-receiver.js';
import { until } from '../../support/until.js';

let provider: Provider;
let receiver: OtlpReceiver;
let lambda: ChildProcess;
let url: string;

before(async () => {
  provider = await startProvider();
  provider.script('streamed', slow(10, { text: 'One, two, three, four, five, six, seven, eight.' }));
  receiver = await startOtlpReceiver();
  lambda = fork(fileURLToPath(new URL('function.js', import.meta.url)), [provider.url], {
    env: { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint },
  });
  const [port] = await once(lambda, 'message');
  url = `http://127.0.0.1:${port}`;
});
after(async () => {
  lambda.kill('SIGKILL');
  await receiver.close();
  await provider.close();
});

/** Lets it go on, asks it something, and waits until it is frozen again. */
async function invoke(route: string, answered: (response: Response) => Promise<unknown>): Promise<void> {
  lambda.kill('SIGCONT');
  // Each on a connection of its own: a frozen process closes none.
  const response = await fetch(`${url}/${route}`, { headers: { connection: 'close' } });
  await answered(response);
  await until(isFrozen);
}

function isFrozen(): boolean {
  if (existsSync('/proc/self/stat')) return /^\d+ \(.*\) T/.test(readFileSync(`/proc/${lambda.pid}/stat`, 'utf8'));
  return execFileSync('ps', ['-o', 'state=', '-p', String(lambda.pid)], { encoding: 'utf8' }).startsWith('T');
}

/** What has arrived of a run; the process is frozen, so nothing more will. */
function exported(route: string): unknown[][] {
  const traceIds = receiver
    .spans()
    .filter(({ attributes }) => attributes['gen_ai.conversation.id'] === route)
    .map(({ traceId }) => traceId);
  return receiver
    .spans()
    .filter(({ traceId }) => traceIds.includes(traceId))
    .map(({ name, attributes }: ReceivedSpan) => [name, attributes['runtrace.status']])
    .sort();
}

test('without a flush, a process that is frozen after the response keeps its spans to itself', async () => {
  await invoke('unflushed', (response) => response.text());
  assert.deepEqual(exported('unflushed'), []);
});

test('forceFlush in waitUntil exports the run before the freeze', async () => {
  await invoke('whole', (response) => response.text());
  assert.deepEqual(exported('whole'), [
    ['chat whole', 'completed'],
    ['invoke_workflow chat_turn', 'completed'],
  ]);
});

test('also where the response is a stream: the flush comes after its end', async () => {
  await invoke('streamed', (response) => response.text());
  assert.deepEqual(exported('streamed'), [
    ['chat streamed', 'completed'],
    ['invoke_workflow chat_turn', 'completed'],
  ]);
});

test('what was left over is exported when the process is thawed for the next request', async () => {
  await invoke('whole', (response) => response.text());
  assert.equal(exported('unflushed').length, 2);
});

test('also where the client goes away in mid-stream: the run is interrupted', async () => {
  const before = receiver.spans().length;
  await invoke('streamed', async (response) => {
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
  });
  const last = receiver.spans().slice(before);
  assert.deepEqual(last.map(({ name, attributes }) => [name, attributes['runtrace.status']]).sort(), [
    ['chat streamed', 'interrupted'],
    ['invoke_workflow chat_turn', 'interrupted'],
  ]);
});
