/** How long a program that holds a port may take to say what it is. */
const ASK_MILLIS = 1000;

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

async function ask(url: string, json?: string): Promise<{ status: number; body: string } | undefined> {
  try {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(ASK_MILLIS),
      ...(json && { method: 'POST', body: json, headers: { 'content-type': 'application/json' } }),
    });
    return { status: response.status, body: (await response.text()).slice(0, 100_000) };
  } catch {
    return undefined;
  }
}
