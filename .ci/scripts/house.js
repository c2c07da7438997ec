/**
 * `npm run house`: checks the layout of `src`. A room is a folder at its top. Fails if
 * - a file imports from a room that is not below its own in `ORDER`;
 * - a room, or a folder in it, has more than twelve files;
 * - a file has more than 330 lines;
 * - `EXCEPTIONS` names what is no exception any more.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** From the top down: a file imports from its own room and from lower ones. Rooms of one line never import from each other. */
const ORDER = [
  ['entry points'],
  ['cli'],
  ['view'],
  ['live'],
  ['ai-sdk', 'aws'],
  ['recorder'],
  ['fetch'],
  ['spans'],
  ['providers', 'capture', 'exporter'],
  ['otel'],
  ['util'],
];
const FILES_IN_A_FOLDER = 12;
const LINES_MEANT = 300;
const LINES = 330;

/** To be emptied: files that are still too long, and imports (`room > room`) that are still against the order. */
const EXCEPTIONS = new Set([]);

const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .map((path) => join('src', path))
  .filter((path) => /\.tsx?$/.test(path))
  .sort();
const roomOf = (path) => (dirname(path) === 'src' ? 'entry points' : path.split('/')[1]);
const levelOf = (room) => ORDER.findIndex((level) => level.includes(room));

/** What is wrong, by the name that an exception would have. */
const faults = [];
const imports = new Map();
for (const file of files) {
  const room = roomOf(file);
  if (levelOf(room) < 0)
    faults.push({ name: room, says: `${file}: ${room} is no room; the rooms are in .ci/scripts/house.js` });
  for (const target of importsOf(file)) {
    const other = roomOf(target);
    if (other === room) continue;
    const name = `${room} > ${other}`;
    imports.set(name, (imports.get(name) ?? 0) + 1);
    if (levelOf(other) <= levelOf(room))
      faults.push({ name, says: `${file} imports ${target}: ${other} is not below ${room}` });
  }
}
for (const file of files) {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n').length;
  if (lines > LINES) faults.push({ name: file, says: `${file}: ${lines} lines, at most ${LINES}` });
  else if (lines > LINES_MEANT) console.log(`  a little long: ${file}: ${lines} lines, better ${LINES_MEANT}`);
}
for (const folder of new Set(files.map(dirname))) {
  const count = files.filter((file) => dirname(file) === folder).length;
  if (count > FILES_IN_A_FOLDER)
    faults.push({ name: folder, says: `${folder}: ${count} files, at most ${FILES_IN_A_FOLDER}` });
}

const list = [...imports].sort(([, a], [, b]) => b - a).map(([rooms, count]) => `${rooms} ${count}`);
console.log(`  imports between rooms: ${list.join(', ')}`);
const excused = faults.filter(({ name }) => EXCEPTIONS.has(name));
for (const { says } of excused) console.log(`  exception: ${says}`);
const failures = faults.filter(({ name }) => !EXCEPTIONS.has(name)).map(({ says }) => says);
for (const name of EXCEPTIONS) {
  if (!excused.some((fault) => fault.name === name))
    failures.push(`${name} is no exception any more: remove it from .ci/scripts/house.js`);
}
for (const says of failures) console.log(`✖ ${says}`);
const total = [...imports.values()].reduce((sum, count) => sum + count, 0);
const figures = [
  `${files.length} files`,
  `${total} imports between rooms`,
  `${EXCEPTIONS.size} exceptions`,
  `${failures.length} faults`,
];
console.log(`${failures.length > 0 ? '✖' : '✔'} house: ${figures.join(', ')}`);
process.exitCode = failures.length > 0 ? 1 : 0;

/** The files of `src` that a file imports: values and types, static, dynamic and re-exported. */
function importsOf(file) {
  const text = readFileSync(file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const specifiers = text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)['"](\.{1,2}\/[^'"]+)['"]/g);
  return [...specifiers].map(([, path]) => join(dirname(file), path).replace(/\.js$/, '.ts'));
}
