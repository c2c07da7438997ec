import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import type { CellOptions } from './cell/cell.js';
import { moduleOf } from './cell/others/other-client.js';
import { isOther } from './other-clients.js';
import type { Sdk } from './sdks.js';

/** Bundles a cell as Wrangler does: for workerd, with what it has of Node's modules. Returns the file. */
export async function bundleWorker(directory: string, sdk: Sdk, options: CellOptions, otlp: string): Promise<string> {
  const outfile = join(directory, `worker-${options.id}.mjs`);
  const [module, stock] = sdk.version.startsWith('3')
    ? ['sdk-trace', '{ exporter: new OTLPTraceExporter(where) }']
    : ['sdk-trace-base', 'new OTLPTraceExporter(where)'];
  const isOldest = sdk.version === '2.0';
  const otherClient = isOther(options.way) ? `import('./others/${moduleOf(options.way)}.js')` : 'undefined';
  await build({
    stdin: {
      resolveDir: join(directory, 'cell'),
      contents: `
        import ${isOldest ? "{ JsonTraceSerializer } from '@opentelemetry/otlp-transformer'" : "{ OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'"};
        import { BatchSpanProcessor } from '@opentelemetry/${module}';
        import { playCell } from './cell.js';
        import { start } from './${options.setUp}.js';
        const where = { url: ${JSON.stringify(`${otlp}/v1/traces`)}, headers: {} };
        export default {
          async fetch(request) {
            const exporter = new BatchSpanProcessor(${isOldest ? FETCH_EXPORTER : stock});
            await playCell(await request.json(), start(exporter), () => ${otherClient});
            return new Response('done');
          },
        };`,
    },
    bundle: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    conditions: ['workerd', 'worker', 'browser'],
    mainFields: ['browser', 'module', 'main'],
    plugins: [BUILTINS],
    outfile,
    logLevel: 'silent',
  });
  return outfile;
}

/**
 * Without headers the stock exporters before 0.213 send by `navigator.sendBeacon`, which a worker has: it says that they have sent before they
 * have, so that no flush waits for it. With headers, those before 0.204 want an `XMLHttpRequest`, which it doesn't have: instead of them, this.
 */
const FETCH_EXPORTER = `{
  export(spans, done) {
    const body = JsonTraceSerializer.serializeRequest(spans);
    fetch(where.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      .then(({ ok }) => done({ code: ok ? 0 : 1 }), (error) => done({ code: 1, error }));
  },
  async shutdown() {},
}`;

/** CommonJS asks for Node's modules with `require`, which a worker doesn't have. */
const BUILTINS: Plugin = {
  name: 'builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: new RegExp(`^(?:node:)?(?:${builtinModules.join('|')})$`) }, ({ path, kind }) => {
      const name = `node:${path.replace(/^node:/, '')}`;
      return kind === 'require-call' ? { path: name, namespace: 'builtin' } : { path: name, external: true };
    });
    onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({
      contents: `import builtin from '${path}'; module.exports = builtin;`,
    }));
  },
};
