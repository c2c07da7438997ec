import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Machine, spawnedCommand } from '../../src/cli/view/spawned-command.js';

const windows = (...files: string[]): Machine => ({
  platform: 'win32',
  env: {
    PATH: 'C:\\Windows;C:\\Program Files\\nodejs',
    PATHEXT: '.COM;.EXE;.BAT;.CMD',
    ComSpec: 'C:\\Windows\\cmd.exe',
  },
  isFile: (path) => files.includes(path),
});
const NODEJS = windows('C:\\Program Files\\nodejs\\node.exe', 'C:\\Program Files\\nodejs\\npm.cmd');

/** The words that cmd.exe makes of a line by its carets and quotes: what a batch file has as `%*`. */
function unescaped(line: string): string {
  let text = '';
  let isQuoted = false;
  for (let i = 0; i < line.length; i++) {
    if (line[i] === '^' && !isQuoted) i++;
    else if (line[i] === '"') isQuoted = !isQuoted;
    else if (!isQuoted) assert.doesNotMatch(line[i] as string, /[&|<>%!]/, `cmd.exe would act on it: ${line}`);
    text += line[i];
  }
  return text;
}

/** The arguments that a program of Microsoft's C library reads from its command line. */
function argumentsOf(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let isQuoted = false;
  for (const [, slashes = '', next = ''] of line.matchAll(/(\\*)([^\\]|$)/g)) {
    const isQuote = next === '"';
    if (slashes || isQuote || isQuoted || !/^\s?$/.test(next)) word ??= '';
    if (word === undefined) continue;
    word += isQuote ? slashes.slice(0, slashes.length / 2) : slashes;
    if (isQuote && slashes.length % 2 === 0) isQuoted = !isQuoted;
    else if (isQuoted || !/^\s?$/.test(next)) word += next;
    else {
      words.push(word);
      word = undefined;
    }
  }
  return words;
}

describe('the command that runtrace view starts', () => {
  test('is the one that was given, on other systems than Windows', () => {
    const machine: Machine = { ...NODEJS, platform: 'linux' };
    const expected = { command: 'npm', args: ['start', 'a b'], options: {} };
    assert.deepEqual(spawnedCommand(['npm', 'start', 'a b'], machine), expected);
  });

  test('is the one that was given, for a program of Windows, also where none is found', () => {
    for (const command of ['node', 'node.exe', 'C:\\tools\\app.exe', 'missing'])
      assert.deepEqual(spawnedCommand([command, 'app.js'], NODEJS), { command, args: ['app.js'], options: {} });
  });

  test('is cmd.exe for a batch file of PATH, of the current folder, or by its path', () => {
    for (const [command, files, expected] of [
      ['npm', ['C:\\Program Files\\nodejs\\npm.cmd'], 'C:\\Program^ Files\\nodejs\\npm.cmd'],
      ['npm.CMD', ['C:\\Program Files\\nodejs\\npm.CMD'], 'C:\\Program^ Files\\nodejs\\npm.CMD'],
      ['start', ['start.bat'], 'start.bat'],
      ['./node_modules/.bin/tsx', ['./node_modules/.bin/tsx.cmd'], 'node_modules\\.bin\\tsx.cmd'],
    ] as const) {
      assert.deepEqual(spawnedCommand([command], windows(...files)), {
        command: 'C:\\Windows\\cmd.exe',
        args: ['/d', '/s', '/c', `"${expected}"`],
        options: { windowsVerbatimArguments: true },
      });
    }
  });

  test('gets each argument as it was given, through a batch file that hands them on', () => {
    const given = ['run', 'a b', '', 'a"b', 'x" & calc & "y', '100%PATH%', 'C:\\a b\\', '^&|<>!', '\\\\"', '(;,*?)'];
    const { args } = spawnedCommand(['npm', ...given], NODEJS);
    const line = (args[3] as string).slice(1, -1);
    const once = unescaped(line);
    assert.ok(once.startsWith('C:\\Program Files\\nodejs\\npm.cmd '));
    // What the batch file writes in place of `%*` is read by cmd.exe again.
    const twice = unescaped(once.slice('C:\\Program Files\\nodejs\\npm.cmd '.length));
    assert.deepEqual(argumentsOf(twice), given);
  });

  test('is refused where cmd.exe would lose what follows a line break', () => {
    assert.throws(() => spawnedCommand(['npm', 'a\nb'], NODEJS), /'npm' is a batch file.*line break/);
  });
});
