import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';

/** A file of the page. */
export interface PageFile {
  readonly content: Buffer;
  readonly contentType: string;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.png': 'image/png',
};

/** The files of the page by their path below `folder`, with `/` between its parts. Read once: no request names a file of the disk. */
export async function readPageFiles(folder: string): Promise<ReadonlyMap<string, PageFile>> {
  const names = await readdir(folder, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    // A build for tests of the API has no page.
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const files = new Map<string, PageFile>();
  for (const name of names) {
    const contentType = CONTENT_TYPES[extname(name)];
    if (contentType === undefined) continue;
    const path = relative(folder, join(folder, name)).split(sep).join('/');
    files.set(path, { content: await readFile(join(folder, name)), contentType });
  }
  return files;
}
