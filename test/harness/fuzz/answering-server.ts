import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';

/** What the server answers, and how it gets there. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Written one after the other, so that they arrive in these chunks. */
  readonly chunks: readonly Uint8Array[];
  /** Whether the connection breaks after the last chunk. */
  readonly breaks: boolean;
}

/** A request with this header is answered as was said before. */
export const ANSWER_HEADER = 'x-answer';

export interface AnsweringServer {
  /** `http://127.0.0.1:1234` */
  readonly origin: string;
  /** Says what is answered to the next request with the returned id. */
  expect(answer: Answer): string;
  close(): void;
}

/** A real HTTP server that answers what it was told to. */
export async function startAnsweringServer(): Promise<AnsweringServer> {
  const answers = new Map<string, Answer>();
  let count = 0;
  const server = createServer((request, response) => {
    const id = String(request.headers[ANSWER_HEADER]);
    const answer = answers.get(id);
    answers.delete(id);
    request.resume();
    request.on('end', () => void give(request, response, answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    expect(answer) {
      const id = String(++count);
      answers.set(id, answer);
      return id;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function give(request: IncomingMessage, response: ServerResponse, answer: Answer | undefined): Promise<void> {
  if (!answer) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(answer.status, answer.headers);
  for (const chunk of answer.chunks.slice(0, -1)) {
    response.write(chunk);
    await turn();
  }
  const last = answer.chunks.at(-1);
  if (!answer.breaks) response.end(last);
  else response.write(last, () => request.socket.destroy());
}
