import assert from 'node:assert/strict';
import { type ExecFileException, execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

/** Inside the project, where `runtrace` is the package itself. */
const FOLDER = 'build/snippets';

const DOCUMENTS = ['README.md', ...readdirSync('docs').map((name) => `docs/${name}`)].filter((path) =>
  path.endsWith('.md'),
);

/** Each snippet is in a file of its own, on the lines that it has in its document, so that the compiler's errors name them. */
interface Snippet {
  readonly file: string;
  readonly text: string;
}

test('the snippets of README and docs compile', () => {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  const snippets = DOCUMENTS.flatMap((path) => snippetsOf(path, readFileSync(path, 'utf8')));
  assert.ok(snippets.length > 0);
  for (const { file, text } of snippets) writeFileSync(join(FOLDER, file), text);
  const project = {
    extends: '../../tsconfig.json',
    compilerOptions: {
      rootDir: '../..',
      noEmit: true,
      allowJs: true,
      checkJs: true,
      noImplicitAny: false,
      noUnusedLocals: false,
      noUnusedParameters: false,
    },
    include: ['.', '../../test/package-surface/snippet-names.d.ts'],
  };
  writeFileSync(join(FOLDER, 'tsconfig.json'), JSON.stringify(project));
  try {
    execFileSync('node_modules/.bin/tsc', ['-p', FOLDER], { encoding: 'utf8' });
  } catch (error) {
    assert.fail(`${(error as ExecFileException).stdout}`);
  }
});

function snippetsOf(path: string, document: string): Snippet[] {
  const blocks = document.matchAll(/^( *)```(ts|tsx|js|typescript|javascript)\n([\s\S]*?)^\1```$/gm);
  return [...blocks].map(({ index, 1: indent = '', 2: language = '', 3: code = '' }, count) => {
    const linesBefore = document.slice(0, index).split('\n').length;
    const isCommonJs = /\brequire\(/.test(code) && !/^ *import /m.test(code);
    const extension = `${isCommonJs ? 'c' : ''}${language.startsWith('t') ? 'ts' : 'js'}`;
    return {
      file: `${path.replaceAll('/', '-')}.${count + 1}.${extension}`,
      // A file without imports would be a script, whose names are global.
      text: `${'\n'.repeat(linesBefore)}${code.replaceAll(new RegExp(`^${indent}`, 'gm'), '')}${isCommonJs ? '' : '\nexport {};\n'}`,
    };
  });
}
