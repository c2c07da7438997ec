/** Compiles the code that README and docs show. */
import assert from 'node:assert/strict';
import { type ExecFileException, execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Each snippet is in a file of its own, on the lines that it has in its document, so that the compiler's errors name them. */
interface Snippet {
  readonly file: string;
  readonly text: string;
}

/** Fails if a snippet of the documents does not compile. `name`: of a folder inside the project, where `runtrace` is the package itself. */
export function compileSnippets(name: string, documents: readonly string[]): void {
  const folder = `build/${name}`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const snippets = documents.flatMap((path) => snippetsOf(path, readFileSync(path, 'utf8')));
  assert.ok(snippets.length > 0);
  for (const { file, text } of snippets) writeFileSync(join(folder, file), text);
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
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(project));
  try {
    execFileSync('node_modules/.bin/tsc', ['-p', folder], { encoding: 'utf8' });
  } catch (error) {
    assert.fail(`${(error as ExecFileException).stdout}`);
  }
}

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
