/** Runs a cell on workerd: `miniflare-host.js worker.mjs '{"setUp":…}'`. Stands where Miniflare is installed. */
import { readFileSync } from 'node:fs';

interface Miniflare {
  dispatchFetch(url: string, init: RequestInit): Promise<Response>;
  dispose(): Promise<void>;
}

const [, , script = '', options = ''] = process.argv;
const miniflare = 'miniflare';
const { Miniflare }: { Miniflare: new (options: object) => Miniflare } = await import(miniflare);
const host = new Miniflare({
  // The whole worker: where Miniflare is to find its modules itself, it refuses an import of a computed name, though it is never made.
  modules: [{ type: 'ESModule', path: 'worker.mjs', contents: readFileSync(script, 'utf8') }],
  cf: false,
  compatibilityDate: '2026-07-01',
  compatibilityFlags: ['nodejs_compat'],
});
try {
  const response = await host.dispatchFetch('http://cell/', { method: 'POST', body: options });
  if (!response.ok) throw new Error(await response.text());
} finally {
  await host.dispose();
}
