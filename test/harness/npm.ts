import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** A package that can't be had here: none for this machine, or no registry that gives it. */
export class Unavailable extends Error {}

/** What npm says of that. */
const UNAVAILABLE = /EBADPLATFORM|ENOTFOUND|ETIMEDOUT|ECONNREFUSED|EAI_AGAIN|E403|E404|ETARGET/;

/** Runs npm in a folder. Rejects with npm's words. */
export async function npm(args: readonly string[], cwd: string): Promise<void> {
  // What npm tells the scripts that it runs is about this package, not about the one that is installed.
  const inherited = Object.entries(process.env).filter(([name]) => !/^npm_(?:package|lifecycle|command)/.test(name));
  const env = { ...Object.fromEntries(inherited), npm_config_loglevel: 'error' };
  await exec('npm', args, { cwd, env }).catch((error: { stderr?: string }) => {
    const why = `npm ${args.join(' ')}: ${error.stderr?.trim() || error}`;
    throw UNAVAILABLE.test(why) ? new Unavailable(why) : new Error(why);
  });
}
