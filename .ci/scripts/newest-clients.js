import { existsSync, rmSync, symlinkSync } from 'node:fs';

const LINK = 'build/node_modules';
const NEWEST = '.ci/newest-clients/node_modules';

/**
 * On Node 22 and later, once `npm ci --prefix .ci/newest-clients` has installed them, what is built finds the newest model clients before those of
 * the root. Returns whether it does.
 */
export function linkNewestClients() {
  const areUsed = Number.parseInt(process.versions.node, 10) >= 22 && existsSync(NEWEST);
  if (existsSync(LINK) === areUsed) return areUsed;
  rmSync(LINK, { force: true });
  if (areUsed) symlinkSync(`../${NEWEST}`, LINK, 'dir');
  return areUsed;
}
