import { existsSync } from 'node:fs';

/** Where Debian and others put the browser; `CHROMIUM` names another one. */
export const CHROMIUM = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path !== undefined && existsSync(path));
