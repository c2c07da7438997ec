import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import type { Clock } from '../../clock.js';

/** What came back: the status and headers, and the beginning of the body. */
export interface HttpAnswer {
  status: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

export interface HttpRequest {
  url: URL;
  agent: Agent;
  headers: Record<string, string | number>;
  body: Uint8Array;
  /** For the whole request, from the look-up of the host's name to the last byte of the answer. */
  timeoutMillis: number;
}

/** An OTLP answer is a few bytes; of anything larger the beginning tells enough. */
const MOST_ANSWER_BYTES = 64 * 1024;

/**
 * Posts a body and resolves with the answer. If the body of an answer breaks off, is too long, or does not end in time, resolves with
 * what there is of it: the status is known, and counts.
 *
 * @throws (rejects) if there is no status line within the time limit.
 */
export async function post(request: HttpRequest, clock: Clock): Promise<HttpAnswer> {
  // Loaded here and not at the top, so that an instrumentation of Node's HTTP that starts later can wrap it.
  const { request: open } = request.url.protocol === 'https:' ? await import('node:https') : await import('node:http');
  const deadline = clock.now() + request.timeoutMillis;
  try {
    return await attempt(open, request, clock, deadline);
  } catch (error) {
    // The server had closed an idle connection just as it was used again. That says nothing of the server.
    if (!(error instanceof StaleConnectionError) || clock.now() >= deadline) throw error;
    return attempt(open, request, clock, deadline);
  }
}

class StaleConnectionError extends Error {}

type Open = (url: URL, options: RequestOptions) => ClientRequest;

function attempt(open: Open, request: HttpRequest, clock: Clock, deadline: number): Promise<HttpAnswer> {
  const { url, agent, headers, body, timeoutMillis } = request;
  return new Promise((resolve, reject) => {
    const outgoing = open(url, { method: 'POST', agent, headers });
    let answer: IncomingMessage | undefined;
    let isDone = false;
    const chunks: Buffer[] = [];
    let size = 0;

    const finish = (error?: Error) => {
      if (isDone) return;
      isDone = true;
      cancel();
      if (answer?.statusCode)
        resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) });
      else reject(error);
    };
    const abort = (error?: Error) => {
      finish(error);
      outgoing.destroy();
    };
    const cancel = clock.after(Math.max(0, deadline - clock.now()), () =>
      abort(new Error(`no answer within ${timeoutMillis} ms`)),
    );

    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      const isStale = outgoing.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      finish(isStale ? new StaleConnectionError(error.message, { cause: error }) : error);
    });
    outgoing.on('close', () => finish(new Error('the connection was closed before an answer')));
    outgoing.on('response', (incoming: IncomingMessage) => {
      answer = incoming;
      incoming.on('data', (chunk: Buffer) => {
        chunks.push(chunk.subarray(0, MOST_ANSWER_BYTES - size));
        size += chunk.length;
        if (size >= MOST_ANSWER_BYTES) abort();
      });
      incoming.on('end', () => finish());
      // Without this the reset of a connection in mid-answer would be an uncaught error.
      incoming.on('error', () => finish());
    });
    outgoing.end(body);
  });
}
