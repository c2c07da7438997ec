/** A provider of Chat Completions whose every answer waits until the test gives it. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { until } from './until.js';

export interface HeldProvider {
  /** `http://127.0.0.1:PORT/v1` */
  readonly baseUrl: string;
  /** Requests that have no answer yet. */
  readonly waiting: readonly ServerResponse[];
  /** Answers the oldest one; waits for it if there is none. */
  answer(status?: number, headers?: Record<string, string>): Promise<void>;
  /** Answers every request from now on, `afterMillis` after it came. Default: at once. */
  answerAll(afterMillis?: number): void;
}

const ANSWER = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model: 'gpt-5',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Fine, thanks.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 },
};
const REFUSAL = { error: { message: 'Slow down, please', type: 'rate_limit_error', code: 'rate_limit_exceeded' } };

export async function heldProvider(t: { after(fn: () => unknown): void }): Promise<HeldProvider> {
  const waiting: ServerResponse[] = [];
  /** `undefined` while answers are held. */
  let answerAfter: number | undefined;
  const send = (response: ServerResponse, status: number, headers: Record<string, string>) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(status === 200 ? ANSWER : REFUSAL));
  };
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      if (answerAfter === undefined) waiting.push(response);
      else setTimeout(() => send(response, 200, {}), answerAfter);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    waiting,
    async answer(status = 200, headers = {}) {
      await until(() => waiting.length > 0);
      send(waiting.shift() as ServerResponse, status, headers);
    },
    answerAll(afterMillis = 0) {
      answerAfter = afterMillis;
      for (const response of waiting.splice(0)) send(response, 200, {});
    },
  };
}
