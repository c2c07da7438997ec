import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import type { CellOptions } from './cell/cell.js';
import type { Sdk } from './sdks.js';

/** Bundles a cell as Wrangler does: for workerd, with what it has of Node's modules. Returns the file. */
export async function bundleWorker(directory: string, sdk: Sdk, options: CellOptions, otlp: string): Promise<string> {
  const outfile = join(directory, `worker-${options.id}.mjs`);
  const url = JSON.stringify(`${otlp}/v1/traces`);
  const [module, exporter] = sdk.version.startsWith('3')
    ? ['sdk-trace', `{ exporter: new OTLPTraceExporter({ url: ${url} }) }`]
    : ['sdk-trace-base', `new OTLPTraceExporter({ url: ${url} })`];
  await build({
    stdin: {
      resolveDir: join(directory, 'cell'),
      contents: `
        import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
        import { BatchSpanProcessor } from '@opentelemetry/${module}';
        import { playCell } from './cell.js';
        import { start } from './${options.setUp}.js';
        export default {
          async fetch(request) {
            await playCell(await request.json(), start(new BatchSpanProcessor(${exporter})));
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
