/** A local HTTP server that answers with given bodies, and how runtrace records the calls to it. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { recordingFetch } from 'runtrace';
import { attemptsOf, only, traced } from '../support/traced.js';

/** A call and what the server answers. */
export interface Wire {
  /** The path of the request: it says which format is spoken. */
  readonly path: string;
  readonly request: object;
  readonly status?: number;
  readonly contentType?: string;
  /** Further headers of the response. */
  readonly headers?: Record<string, string>;
  readonly body: string | Uint8Array;
}

/** How a call was recorded. */
export interface Recording {
  readonly step: Record<string, unknown>;
  readonly attempt: Record<string, unknown>;
  readonly run: Record<string, unknown>;
}

/** What a consumer does with the response; by default it reads all of it. */
export type Consumer = (response: Response) => Promise<unknown>;

/** Makes the call in a run, and returns what was recorded. */
export async function record(wire: Wire, consume: Consumer = (response) => response.text()): Promise<Recording> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(wire.status ?? 200, {
        'content-type': wire.contentType ?? typeOf(wire.body),
        ...wire.headers,
      });
      response.end(wire.body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { recorder, steps, runs, shutdown } = traced({ limits: { completedHoldMillis: 0, retryHoldMillis: 0 } });
  try {
    await recorder.run({ kind: 'chat_turn' }, async () => {
      const response = await recordingFetch(`http://127.0.0.1:${port}${wire.path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(wire.request),
      });
      await consume(response);
    });
  } finally {
    await shutdown();
    server.closeAllConnections();
    server.close();
  }
  const step = only(steps());
  return { step: step.attributes, attempt: only(attemptsOf(step)), run: only(runs()).attributes };
}

function typeOf(body: string | Uint8Array): string {
  return typeof body === 'string' && body.startsWith('{') ? 'application/json' : 'text/event-stream';
}
