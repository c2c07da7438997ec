import { request } from 'node:http';

/** How long a program that holds a port may take to say what it is. */
const ASK_MILLIS = 1000;
const MOST_CHARACTERS = 100_000;

/** What holds a port of this machine, as far as it answers: for a message. */
export async function portHolder(port: number): Promise<string> {
  const origin = `http://127.0.0.1:${port}`;
  const root = await ask(origin);
  if (root?.body.startsWith('This is runtrace view')) return 'another runtrace view';
  if (root?.body.includes('Jaeger UI')) return 'Jaeger';
  // An empty export: a receiver accepts it, and nothing is stored.
  const otlp = await ask(`${origin}/v1/traces`, '{"resourceSpans":[]}');
  if (otlp?.status === 200 && /^\s*\{/.test(otlp.body)) {
    const jaeger = port === 4318 ? await ask('http://127.0.0.1:16686') : undefined;
    return jaeger?.body.includes('Jaeger UI') ? 'Jaeger' : 'an OTLP receiver, such as an OpenTelemetry Collector';
  }
  return root ? 'a program that speaks HTTP, and is no OTLP receiver' : 'a program that does not answer HTTP';
}

/** `undefined` if no HTTP answer comes. */
function ask(url: string, json?: string): Promise<{ status: number; body: string } | undefined> {
  return new Promise((resolve) => {
    const outgoing = request(url, {
      method: json ? 'POST' : 'GET',
      agent: false,
      ...(json && { headers: { 'content-type': 'application/json', 'content-length': json.length } }),
    });
    const timer = setTimeout(() => outgoing.destroy(), ASK_MILLIS);
    let answer: { status: number; body: string } | undefined;
    outgoing.on('response', (incoming) => {
      const read = { status: incoming.statusCode ?? 0, body: '' };
      answer = read;
      incoming.on('data', (chunk: Buffer) => {
        if (read.body.length < MOST_CHARACTERS) read.body += chunk;
        else outgoing.destroy();
      });
      incoming.on('error', () => undefined);
    });
    outgoing.on('error', () => undefined);
    outgoing.on('close', () => {
      clearTimeout(timer);
      resolve(answer);
    });
    outgoing.end(json);
  });
}
