/**
 * Writes `src`, `test` and `examples` to `build`, each file by itself, in less than a second. `npm run check` checks their types.
 */
import { build } from 'esbuild';

await build({
  entryPoints: ['src/**/*.ts', 'test/**/*.ts', 'examples/**/*.ts'],
  outbase: '.',
  outdir: 'build',
  tsconfig: 'test/tsconfig.json',
  format: 'esm',
  target: 'es2022',
  sourcemap: true,
  logLevel: 'warning',
});
