/**
 * Builds what is not built yet:
 *
 *     node .ci/scripts/build.js             `dist`, which is the package, and `build`, which tests and harness run
 *     node .ci/scripts/build.js --package   only `dist`
 *     node .ci/scripts/build.js --quick     without declarations, unless there are none
 *
 * A part is built again unless the content of all that it is made of, and of all that it consists of, is the same as after its last build.
 * `npm ci` removes what says so, so a new installation builds everything.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { linkNewestClients } from './newest-clients.js';

const STAMPS = 'node_modules/.cache/runtrace';
const TOOLS = ['.ci/scripts', 'package.json', 'package-lock.json', 'tsconfig.json'];

/** Each is the script of its name. */
const PARTS = [
  { name: 'bundle', from: ['src'], to: () => filesIn('dist').filter((path) => !isDeclaration(path)) },
  { name: 'declarations', from: ['src'], to: () => filesIn('dist').filter(isDeclaration) },
  {
    name: 'transpile',
    from: ['src', 'test', 'examples'],
    to: () => ['src', 'test', 'examples'].flatMap((folder) => filesIn(join('build', folder))),
  },
];
const madeOf = ({ from }) => hashOf([...TOOLS, ...from].flatMap(filesIn));
const consistsOf = ({ to }) => hashOf(to());
const isDeclaration = (path) => /\.d\.c?ts$/.test(path);

const args = process.argv.slice(2);
const isWanted = {
  bundle: true,
  declarations: !args.includes('--quick') || !existsSync('dist/index.d.ts'),
  transpile: !args.includes('--package'),
};
const codes = await Promise.all(PARTS.filter((part) => isWanted[part.name] && !isBuilt(part)).map(build));
if (!args.includes('--package')) linkNewestClients();
process.exitCode = codes.find((code) => code !== 0) ?? 0;

function isBuilt(part) {
  const stamp = join(STAMPS, part.name);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === `${madeOf(part)} ${consistsOf(part)}`;
}

async function build(part) {
  // Before the build: a file that is saved meanwhile has changed.
  const inputs = madeOf(part);
  for (const path of part.to()) rmSync(path);
  const script = join('.ci/scripts', `${part.name}.js`);
  const code = await new Promise((resolve) => {
    spawn(process.execPath, [script], { stdio: 'inherit' }).on('close', (code) => resolve(code ?? 1));
  });
  mkdirSync(STAMPS, { recursive: true });
  if (code === 0) writeFileSync(join(STAMPS, part.name), `${inputs} ${consistsOf(part)}`);
  return code;
}

function hashOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths.sort()) {
    const content = readFileSync(path);
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/**
 * The files in a folder, or the file. Not those of packages: the harness links what it installs in a cache, and `readdirSync` with
 * `recursive` follows links.
 */
function filesIn(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    const inside = join(path, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesIn(inside);
    return entry.isFile() ? [inside] : [];
  });
}
