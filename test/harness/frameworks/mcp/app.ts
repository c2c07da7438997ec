/** MCP: the tools of the loop are those of a server, which is asked over HTTP. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { SpanStatusCode } from '@opentelemetry/api';
import { recordingFetch, tool } from 'runtrace';
import { inRun, isTool, type OwnCase, playAll } from '../support/play.js';
import { TOOL } from '../support/prompt.js';
import { weatherOf } from '../support/weather.js';

const WAIT_MILLIS = 50;
const NEVER_MILLIS = 60_000;

function serverOf() {
  const server = new McpServer({ name: 'weather', version: '1.0.0' });
  server.registerTool(TOOL.name, { description: TOOL.description }, () => ({ content: text('Sunny.') }));
  server.registerTool('says', { description: 'Says that it has failed' }, () => ({
    content: text('No such city.'),
    isError: true,
  }));
  server.registerTool('throws', { description: 'Throws' }, () => {
    throw new Error('No such city.');
  });
  server.registerTool('waits', { description: 'Does not answer' }, (extra: { signal: AbortSignal }) =>
    sleep(NEVER_MILLIS, { content: text('Sunny.') }, { signal: extra.signal }),
  );
  return server;
}

function text(content: string) {
  return [{ type: 'text' as const, text: content }];
}

/** Serves each request by itself. */
async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  response.on('close', () => transport.close());
  await serverOf().connect(transport);
  await transport.handleRequest(request, response);
}

const http = createServer(serve).listen(0, '127.0.0.1');
await once(http, 'listening');
const address = new URL(`http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`);
const client = new Client({ name: 'app', version: '1.0.0' });
// What is sent to it is JSON-RPC, which is no step.
await client.connect(new StreamableHTTPClientTransport(address, { fetch: recordingFetch }));

/** A call of one tool, and how its span must end. */
function callOf(name: string, of: string, how: readonly unknown[], options: () => object = () => ({})): OwnCase {
  const call = () => client.callTool({ name: of, arguments: {} }, undefined, options());
  return {
    name,
    play: () => inRun({ kind: 'chat_turn' }, () => tool({ name: of }, call).catch(() => {})),
    judge({ spans, steps }) {
      const ends = spans()
        .filter(isTool)
        .map(({ status, attributes }) => [SpanStatusCode[status.code], attributes['error.type']]);
      assert.deepEqual(ends, [how]);
      assert.deepEqual(steps(), []);
    },
  };
}

/** A signal that is aborted when the call is on its way. */
function stopped(): { signal: AbortSignal } {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), WAIT_MILLIS);
  return { signal: controller.signal };
}

await playAll((baseURL) => {
  const weather = weatherOf(baseURL, { lookUp: () => client.callTool({ name: TOOL.name, arguments: {} }) });
  return {
    ways: {
      mcp: { ...weather, stream: async (model) => (await weather.stream(model)) as unknown as AsyncIterable<unknown> },
    },
    more: [
      callOf('a tool that answers', TOOL.name, ['OK', undefined]),
      callOf('a tool that says that it has failed', 'says', ['ERROR', 'tool_error']),
      callOf('a tool that throws', 'throws', ['ERROR', 'tool_error']),
      callOf('a tool that is stopped', 'waits', ['UNSET', undefined], stopped),
      callOf('a tool that takes too long', 'waits', ['ERROR', 'McpError'], () => ({ timeout: WAIT_MILLIS })),
    ],
  };
});
