import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { recordingFetch } from 'runtrace';
import { attemptsOf, only, type ReadableSpan, traced } from '../../support/traced.js';
import { until } from '../../support/until.js';

const ANSWER = JSON.stringify({
  id: 'chat_1',
  choices: [{ index: 0, message: { content: 'Hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 4 },
});

let server: Server;
let url: string;
before(async () => {
  server = createServer((request, response) => {
    request.resume();
    if (request.url?.startsWith('/unread/chat')) {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      response.write('{"message":{"content":"Hi"},"done":false}\n{"done":true}\n');
      // The connection stays open for a while after the client's own end marker.
      setTimeout(() => response.end(), 1000).unref();
      return;
    }
    const cut = request.url?.includes('half') ? 20 : 0;
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': ANSWER.length });
    if (cut > 0) response.write(ANSWER.slice(0, ANSWER.length - cut));
    else response.end(ANSWER);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

const statusOf = (span: ReadableSpan) => span.attributes['runtrace.status'];
const post = (path: string, init: RequestInit = {}) =>
  recordingFetch(`${url}${path}`, { method: 'POST', body: '{"model":"m","messages":[]}', ...init });

/** Reads until `enough` says so, and stops there. */
async function readUntil(response: Response, enough: (text: string) => boolean): Promise<void> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let text = '';
  while (!enough(text)) text += Buffer.from((await reader.read()).value ?? []).toString();
  await reader.cancel();
}

describe('in a format that runtrace does not read, a client that stops reading does not override a normal return:', () => {
  const ended = (text: string) => text.includes('"done":true');

  test('it stops at its own end marker', async () => {
    const { recorder, steps } = traced();
    await recorder.run({ kind: 'chat_turn' }, () =>
      recorder.step({ model: 'llama' }, async () => readUntil(await post('/unread/chat'), ended)),
    );
    assert.equal(statusOf(only(steps())), 'completed');
  });

  test('it looks at the status only', async () => {
    const { recorder, steps } = traced({ limits: { idleMillis: 20 } });
    await recorder.run({ kind: 'chat_turn' }, () =>
      recorder.step({}, async () => (await post('/unread/chat')).body?.cancel()),
    );
    assert.equal(statusOf(only(steps())), 'completed');
  });

  test('what the function says counts', async () => {
    const { recorder, steps } = traced();
    await recorder.run({ kind: 'chat_turn' }, () =>
      recorder.step({}, async (step) => {
        await readUntil(await post('/unread/chat'), ended);
        step.finish('interrupted');
      }),
    );
    assert.equal(statusOf(only(steps())), 'interrupted');
  });

  test('an abort of its signal is still a stop', async () => {
    const { recorder, steps } = traced();
    const stop = new AbortController();
    await recorder.run({ kind: 'chat_turn' }, () =>
      recorder.step({}, async () => {
        const response = await post('/unread/chat', { signal: stop.signal });
        setTimeout(() => stop.abort(), 20);
        await response.text().catch(() => {});
      }),
    );
    assert.equal(statusOf(only(steps())), 'interrupted');
  });

  test('a break in a format that it does read is a stop', async () => {
    const { recorder, steps } = traced();
    await recorder.run({ kind: 'chat_turn' }, () =>
      recorder.step({}, async () => readUntil(await post('/v1/chat/completions?half'), (text) => text.length > 10)),
    );
    assert.equal(statusOf(only(steps())), 'interrupted');
  });
});

describe('a body of which all bytes were read is complete, although the reader did not ask for its end:', () => {
  const all = (text: string) => text.length === ANSWER.length;
  const ways: Record<string, (response: Response) => Promise<unknown>> = {
    'it cancels': (response) => readUntil(response, all),
    'it leaves its loop': async (response) => {
      let read = 0;
      for await (const chunk of response.body as ReadableStream<Uint8Array>) {
        read += chunk.length;
        if (read === ANSWER.length) break;
      }
    },
    'it has a view of its own': async (response) => {
      const reader = (response.body as ReadableStream<Uint8Array>).getReader({ mode: 'byob' });
      for (let read = 0; read < ANSWER.length; ) read += (await reader.read(new Uint8Array(1000))).value?.length ?? 0;
      await reader.cancel();
    },
    'it destroys its Readable': async (response) => {
      const readable = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
      let read = 0;
      await new Promise<void>((resolve) => {
        readable.on('close', resolve).on('data', (chunk: Buffer) => {
          read += chunk.length;
          if (read === ANSWER.length) readable.destroy();
        });
      });
    },
    'it reads one of two branches': async (response) => {
      const [one, other] = (response.body as ReadableStream<Uint8Array>).tee();
      const reader = one.getReader();
      for (let read = 0; read < ANSWER.length; ) read += (await reader.read()).value?.length ?? 0;
      await Promise.all([reader.cancel(), other.cancel()]);
    },
    'it leaves the body': async (response) => {
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      for (let read = 0; read < ANSWER.length; ) read += (await reader.read()).value?.length ?? 0;
    },
  };
  for (const [how, read] of Object.entries(ways)) {
    for (const explicit of [false, true]) {
      test(`${how}, in an ${explicit ? 'explicit' : 'implicit'} step`, async () => {
        const { recorder, steps } = traced({ limits: { idleMillis: 20, pausedMillis: 20 } });
        const call = async () => read(await post('/v1/chat/completions'));
        await recorder.run({ kind: 'chat_turn' }, () => (explicit ? recorder.step({}, call) : call()));
        await until(() => steps().length === 1);
        const step = only(steps());
        assert.equal(statusOf(step), 'completed');
        assert.equal(step.attributes['gen_ai.usage.output_tokens'], 4);
        assert.equal(attemptsOf(step)[0]?.['runtrace.attempt.status'], 'completed');
        assert.equal(attemptsOf(step)[0]?.['gen_ai.usage.input_tokens'], 3);
      });
    }
  }

  test('it aborts', async () => {
    const { recorder, steps } = traced();
    const stop = new AbortController();
    await recorder.run({ kind: 'chat_turn' }, async () => {
      const response = await post('/v1/chat/completions', { signal: stop.signal });
      await ways['it leaves the body']?.(response);
      stop.abort();
      await sleep(5);
    });
    assert.equal(statusOf(only(steps())), 'completed');
  });

  test('a part of them is not', async () => {
    const { recorder, steps } = traced();
    await recorder.run({ kind: 'chat_turn' }, async () =>
      readUntil(await post('/v1/chat/completions?half'), (text) => text.length === ANSWER.length - 20),
    );
    assert.equal(statusOf(only(steps())), 'interrupted');
  });
});
