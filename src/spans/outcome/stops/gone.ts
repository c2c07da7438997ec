import { tryRead } from '../errors.js';

interface Gone {
  /** What reports it: the versions that it was seen with. */
  readonly by: string;
  readonly matches: (error: ErrorFields) => boolean;
}

interface ErrorFields {
  readonly code: unknown;
  readonly message: unknown;
  readonly name: unknown;
  readonly stack: unknown;
  readonly type: unknown;
}

/**
 * The errors, besides abort errors, that report that the client of a server is gone or that a reader has left. Not in here: `EPIPE` and
 * `ECONNRESET` of a write, which a database connection reports as well.
 */
const GONE: readonly Gone[] = [
  {
    // `stream.pipeline(body, response)`, `stream.finished(response)`. node-fetch has the same code on a FetchError, for a broken upstream.
    by: 'Node 20–26, Fastify 5: https://nodejs.org/api/errors.html#err_stream_premature_close',
    matches: ({ code, name }) => code === 'ERR_STREAM_PREMATURE_CLOSE' && name !== 'FetchError',
  },
  {
    // `response.write(chunk, callback)` after the client has left.
    by: 'Node 20–26: https://nodejs.org/api/errors.html#err_stream_destroyed',
    matches: ({ code }) => code === 'ERR_STREAM_DESTROYED',
  },
  {
    // `for await (const chunk of request)` in a server. An HTTP client of Node has the same error for a broken upstream; only the stack
    // tells the two apart.
    by: 'Node 20–26: abortIncoming in https://github.com/nodejs/node/blob/v20.20.0/lib/_http_server.js',
    matches: ({ code, message, stack }) =>
      code === 'ECONNRESET' &&
      message === 'aborted' &&
      typeof stack === 'string' &&
      stack.includes('node:_http_server'),
  },
  {
    // `stream.pipeline(Readable.from(generator), response)` after the client has left. Node throws the error into the generator, and its `yield*`
    // of an iterator without `throw()` replaces the error by this one.
    by: 'Node 22.23: https://nodejs.org/api/stream.html#streamreadablefromiterable-options',
    matches: ({ message, name }) =>
      name === 'TypeError' && message === "The iterator does not provide a 'throw' method.",
  },
  {
    // `controller.enqueue(chunk)` in a web stream of which the reader has left.
    by: 'Node 20–26, Next.js 16: https://nodejs.org/api/errors.html#err_invalid_state',
    matches: ({ code, message }) =>
      code === 'ERR_INVALID_STATE' && typeof message === 'string' && /controller is already closed/i.test(message),
  },
  {
    // The client left while it sent its request.
    by: 'Express 5, body-parser 2, raw-body 3: https://github.com/stream-utils/raw-body#errors',
    matches: ({ type }) => type === 'request.aborted',
  },
  {
    // `response.sendFile()`, `response.download()`. axios has the same code on an AxiosError, for a timeout.
    by: 'Express 5: onaborted in https://github.com/expressjs/express/blob/v5.1.0/lib/response.js',
    matches: ({ code, message, name }) => code === 'ECONNABORTED' && message === 'Request aborted' && name === 'Error',
  },
  {
    // A request whose signal is aborted. Its own time limit has the same code.
    by: '@modelcontextprotocol/sdk 1: cancel in https://github.com/modelcontextprotocol/typescript-sdk/blob/v1.x/src/shared/protocol.ts',
    matches: ({ message, name }) =>
      name === 'McpError' && typeof message === 'string' && message.startsWith('MCP error -32001: AbortError'),
  },
  {
    // The reason of `c.req.raw.signal`.
    by: '@hono/node-server 2: https://github.com/honojs/node-server/blob/main/src/listener.ts',
    matches: ({ message, name }) => name === 'Error' && message === 'Client connection prematurely closed.',
  },
];

/** Whether an error reports that the client of a server is gone or that a reader has left. Never throws. */
export function isGone(error: object): boolean {
  return tryRead(() => GONE.some(({ matches }) => matches(error as ErrorFields))) ?? false;
}
