import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { lineDiff } from './line-diff.js';

const SNAPSHOT = 'test/package-surface/declarations.txt';
const UPDATE = 'npm run surface:update';

test('the public declarations are those of the snapshot', () => {
  const declarations = publicDeclarations();
  if (process.env.UPDATE_SURFACE) writeFileSync(SNAPSHOT, declarations);
  const diff = lineDiff(readFileSync(SNAPSHOT, 'utf8'), declarations);
  const message = `The public surface has changed. If that is meant, run \`${UPDATE}\` and add a line to CHANGELOG.md.\n\n${diff}\n`;
  // `assert.equal` would cut the texts.
  assert.ok(diff === '', message);
});

test('no declaration points to the comment of another one, which an editor would not show', () => {
  const pointing = readdirSync('dist').filter(
    (name) => /\.d\.c?ts$/.test(name) && readFileSync(`dist/${name}`, 'utf8').includes('@inheritDoc'),
  );
  assert.deepEqual(pointing, []);
});

/** The declaration files of all entry points, without comments. */
function publicDeclarations(): string {
  return readdirSync('dist')
    .filter((name) => name.endsWith('.d.ts'))
    .sort()
    .map((name) => `// ${name}\n${withoutComments(readFileSync(`dist/${name}`, 'utf8'))}`)
    .join('\n');
}

function withoutComments(text: string): string {
  return text.replaceAll(/^ *\/\*\*[\s\S]*?\*\/\n/gm, '').replaceAll(/\n{2,}/g, '\n');
}
