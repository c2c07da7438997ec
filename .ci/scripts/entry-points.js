import { readFileSync } from 'node:fs';

/** The name of each entry point, `index` first: `src/<name>.ts` is its source, `dist/<name>.js` what is published. */
export function entryPoints() {
  const { exports } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return Object.keys(exports)
    .filter((path) => path !== './package.json')
    .map((path) => (path === '.' ? 'index' : path.slice('./'.length)));
}
