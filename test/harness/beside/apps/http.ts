/** A chat route: a run in a server's span, with a tool that asks a server in turn. */
import { once } from 'node:events';
import http from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { run, tool } from 'runtrace';
import { chatTurn, makeOpenAI, startTracing } from './tracing.js';

const provider = startTracing();
registerInstrumentations({ instrumentations: [new HttpInstrumentation()] });
// It patches what is required; a module that is imported is the same object.
createRequire(import.meta.url)('node:http');

const openai = makeOpenAI();
const server = http.createServer(async (request, response) => {
  if (request.url === '/chat') {
    await chatTurn(openai);
    await run({ kind: 'joined', trace: 'join' }, () => tool({ name: 'weather' }, () => get('/weather')));
  }
  response.end('sunny');
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
await get('/chat');
server.close();
await provider.shutdown();

async function get(path: string): Promise<string> {
  const { port } = server.address() as AddressInfo;
  const [response] = await once(http.get({ port, path, host: '127.0.0.1', agent: false }), 'response');
  return text(response);
}
