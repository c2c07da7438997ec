import { statSync } from 'node:fs';
import { win32 } from 'node:path';

/** What `spawn` is called with. */
export interface SpawnedCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly options: { readonly windowsVerbatimArguments?: boolean };
}

/** The machine that a command is for. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  isFile(path: string): boolean;
}

const THIS_MACHINE: Machine = {
  platform: process.platform,
  env: process.env,
  isFile: (path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true,
};

const BATCH_FILE = /\.(?:cmd|bat)$/i;
/** What cmd.exe reads as more than itself. */
const META_CHARACTERS = /[()\][%!^"`<>&|;, *?]/g;

/**
 * A command as `spawn` takes it. On Windows `npm`, `npx` and what npm installs are batch files, which Node starts only through a shell (since
 * 20.12, CVE-2024-27980). They are given to cmd.exe here, with each argument quoted, because `shell: true` joins them as they are.
 *
 * @throws Error if an argument of a batch file has a line break, at which cmd.exe would stop to read.
 */
export function spawnedCommand(
  [command = '', ...args]: readonly string[],
  { platform, env, isFile }: Machine = THIS_MACHINE,
): SpawnedCommand {
  const file = platform === 'win32' ? fileOf(command, env, isFile) : command;
  if (platform !== 'win32' || !BATCH_FILE.test(file)) return { command, args, options: {} };
  if ([file, ...args].some((word) => /[\r\n]/.test(word)))
    throw new Error(`'${command}' is a batch file, which takes no argument with a line break`);
  const line = [win32.normalize(file).replace(META_CHARACTERS, '^$&'), ...args.map(quoted)].join(' ');
  return {
    command: env.ComSpec ?? env.COMSPEC ?? 'cmd.exe',
    args: ['/d', '/s', '/c', `"${line}"`],
    options: { windowsVerbatimArguments: true },
  };
}

/** The file that Windows starts for a command: in the current folder or PATH, with one of the endings of PATHEXT. */
function fileOf(command: string, env: Machine['env'], isFile: Machine['isFile']): string {
  const endings = (env.PATHEXT ?? '.COM;.EXE;.BAT;.CMD').split(';').filter(Boolean);
  const hasEnding = endings.some((ending) => command.toLowerCase().endsWith(ending.toLowerCase()));
  const names = hasEnding ? [command] : endings.map((ending) => command + ending.toLowerCase());
  const isPath = /[\\/:]/.test(command);
  const folders = isPath ? [''] : ['', ...(env.PATH ?? env.Path ?? '').split(win32.delimiter).filter(Boolean)];
  for (const folder of folders) {
    for (const name of names) {
      const path = folder === '' ? name : win32.join(folder, name);
      if (isFile(path)) return path;
    }
  }
  return command;
}

/**
 * An argument as a program reads it (backslashes before a quote are doubled), then as cmd.exe reads it, twice: a batch file hands `%*` on to
 * another command line.
 */
function quoted(argument: string): string {
  const word = `"${argument.replace(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, '$1$1')}"`;
  return word.replace(META_CHARACTERS, '^$&').replace(META_CHARACTERS, '^$&');
}
