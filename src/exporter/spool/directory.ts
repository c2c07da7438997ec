import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { badOption } from '../../util/validation.js';
import { reportSetting } from '../reports.js';
import { OWNER } from './file.js';

const STICKY = 0o1000;
const WRITABLE_BY_OTHERS = 0o022;
const warnedOf = new Set<string>();

/** What a regular file of the spool may be: with the sticky bit on the directory, only a file of our own user. */
export type Admits = (stats: { isFile(): boolean; nlink: number; uid: number }) => boolean;

/**
 * Makes the directory, and tries to write in it. A directory that other users can write to is used all the same (Kubernetes
 * makes its volumes so), but reported once.
 *
 * @throws TypeError that names the option, if the directory can't be used.
 */
export function prepareDirectory(directory: string): Admits {
  const probe = join(directory, `.probe-${OWNER}`);
  let mode = 0;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(probe, '', { flag: 'wx', mode: 0o600 });
    rmSync(probe);
    mode = statSync(directory).mode;
  } catch (error) {
    throw badOption('spool.directory', `a directory that can be written (${(error as Error).message})`, directory);
  }
  if ((mode & WRITABLE_BY_OTHERS) !== 0 && !warnedOf.has(directory)) {
    warnedOf.add(directory);
    const message = `other users can write to the spool's directory ${directory}; they can add spans to it and remove them`;
    reportSetting(message);
  }
  const owner = (mode & STICKY) !== 0 ? process.getuid?.() : undefined;
  // A second link is a name elsewhere: that file is not ours alone.
  return ({ isFile, nlink, uid }) => isFile() && nlink === 1 && (owner === undefined || uid === owner);
}

/** The size and age of a file, if it is one that the spool may use. Links are not followed. */
export async function inspect(path: string, admits: Admits): Promise<{ size: number; mtimeMs: number } | undefined> {
  try {
    const stats = await lstat(path);
    return admits({ isFile: () => stats.isFile(), nlink: stats.nlink, uid: stats.uid }) ? stats : undefined;
  } catch {
    return undefined; // Another process has taken it.
  }
}

/** Tells whether the directory that is now at the path is another one, or none: then all files are gone that were in it. */
export function removalOf(directory: string): () => boolean {
  const { dev, ino } = statSync(directory);
  return () => {
    try {
      const stats = statSync(directory, { throwIfNoEntry: false });
      // Some file systems give the number of what was removed to what is made next.
      return !stats?.isDirectory() || stats.dev !== dev || stats.ino !== ino;
    } catch {
      return false; // It can't be looked at.
    }
  };
}
