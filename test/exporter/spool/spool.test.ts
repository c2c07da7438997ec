import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { SpoolFile } from '../../../src/exporter/spool/file.js';
import type { SpoolOptions } from '../../../src/exporter/spool/options.js';
import { Spool } from '../../../src/exporter/spool/spool.js';
import { parseOtlpJson } from '../../support/otlp-receiver.js';
import { endedSpans, namesOf } from '../../support/spans.js';

interface Fixture {
  directory: string;
  lost: { why: string; spans: number }[];
  open(options?: Partial<SpoolOptions>): Spool;
}

function fixture(t: TestContext): Fixture {
  const directory = mkdtempSync(join(tmpdir(), 'runtrace-spool-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const lost: Fixture['lost'] = [];
  return {
    directory,
    lost,
    open: (options) => new Spool({ directory, ...options }, (why, spans) => lost.push({ why, spans })),
  };
}

async function takeAll(spool: Spool): Promise<SpoolFile[]> {
  const files: SpoolFile[] = [];
  for (let file = await spool.take(); file; file = await spool.take()) files.push(file);
  return files;
}

test('what was written is read back by another spool, oldest first, and is gone when it is removed', async (t) => {
  const { directory, open } = fixture(t);
  const writer = open();
  await writer.write(endedSpans(1), { atMillis: 1_700_000_000_002 });
  await writer.write(endedSpans(3), { atMillis: 1_700_000_000_001 });
  const reader = open({ maxAgeMillis: Number.MAX_SAFE_INTEGER });
  assert.ok(!reader.hasFiles);
  await reader.scan();
  assert.ok(reader.hasFiles);
  const files = await takeAll(reader);
  assert.deepEqual(
    files.map(({ atMillis }) => atMillis),
    [1_700_000_000_001, 1_700_000_000_002],
  );
  assert.deepEqual(namesOf(await reader.read(files[0] as SpoolFile)), ['span 0', 'span 1', 'span 2']);
  for (const file of files) await reader.remove(file);
  assert.deepEqual(readdirSync(directory), []);
});

test('a spool file is an OTLP file that only the owner may read', async (t) => {
  const { directory, open } = fixture(t);
  await open().write(endedSpans(2));
  const [name] = readdirSync(directory);
  const path = join(directory, name as string);
  assert.match(path, /\.jsonl$/);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(parseOtlpJson(readFileSync(path, 'utf8')).violations, []);
});

test('spools that share a directory never take the same file', async (t) => {
  const { open } = fixture(t);
  const writer = open();
  for (let i = 0; i < 20; i++) await writer.write(endedSpans(1));
  const readers = [open(), open(), open()];
  await Promise.all(readers.map((reader) => reader.scan()));
  const taken = (await Promise.all([writer, ...readers].map(takeAll))).flat().map(({ base }) => base);
  assert.equal(taken.length, 20);
  assert.equal(new Set(taken).size, 20);
});

test('a file that was given back can be taken again, one that was refused can not for now', async (t) => {
  const { open } = fixture(t);
  const spool = open();
  await spool.write(endedSpans(1));
  const file = (await spool.take()) as SpoolFile;
  assert.equal(await spool.take(), undefined);
  await spool.release(file);
  assert.deepEqual(await spool.take(), file);
  await spool.release(file, true);
  assert.equal(spool.hasFiles, false);
  assert.equal(await spool.take(), undefined);
  const other = open();
  await other.scan();
  assert.equal((await other.take())?.base, file.base);
});

test('what a process leaves behind that is killed in mid-write and in mid-send is taken over, and counted where it is torn', async (t) => {
  const { directory, lost, open } = fixture(t);
  const child = fork(new URL('./spool-child.js', import.meta.url), [directory], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [written] = await once(child, 'message');
  assert.equal(written, 'ready');
  child.kill('SIGKILL');
  await once(child, 'exit');
  // The kernel finishes a small write; a large one is cut where it was.
  const torn = readdirSync(directory).find((name) => name.includes('.writing-')) as string;
  truncateSync(join(directory, torn), 300);
  const spool = open();
  await spool.scan();
  const files = await takeAll(spool);
  const spans = (await Promise.all(files.map((file) => spool.read(file)))).flat();
  assert.equal(spans.length, 2);
  assert.deepEqual(
    lost.map((it) => it.spans),
    [1],
  );
});

test('the files of a living process are left alone', async (t) => {
  const { directory, open } = fixture(t);
  const child = fork(new URL('./spool-child.js', import.meta.url), [directory], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child, 'message');
  const spool = open();
  await spool.scan();
  assert.equal(await spool.take(), undefined);
});

test('a process that had our number before us is dead', async (t) => {
  const { directory, open } = fixture(t);
  const writer = open();
  await writer.write(endedSpans(1));
  await writer.take();
  const [name] = readdirSync(directory) as [string];
  const path = join(directory, name.replace(/[0-9a-f]{12}$/, '000000000000'));
  renameSync(join(directory, name), path);
  const beforeUs = Date.now() / 1000 - process.uptime() - 1;
  utimesSync(path, beforeUs, beforeUs);
  const spool = open();
  await spool.scan();
  assert.equal((await spool.read((await spool.take()) as SpoolFile)).length, 1);
});

test('the files of another thread of ours are left alone', async (t) => {
  const { directory, open } = fixture(t);
  const thread = new Worker(new URL('./spool-child.js', import.meta.url), { argv: [directory] });
  t.after(() => thread.terminate());
  await once(thread, 'message');
  const spool = open();
  await spool.scan();
  assert.equal(await spool.take(), undefined);
});

test('lines that are whole are kept, and a torn last line is counted', async (t) => {
  const { directory, lost, open } = fixture(t);
  const spool = open();
  await spool.write(endedSpans(4));
  const [name] = readdirSync(directory) as [string];
  const path = join(directory, name.replace('-4-', '-9-'));
  renameSync(join(directory, name), path);
  appendFileSync(path, '{"resourceSpans":[{"reso');
  const reader = open();
  await reader.scan();
  assert.equal((await reader.read((await reader.take()) as SpoolFile)).length, 4);
  assert.deepEqual(lost, [{ why: 'the end of their file was torn off', spans: 1 }]);
});

test('more than it may hold makes the oldest leave, counted', async (t) => {
  const { directory, lost, open } = fixture(t);
  const batch = endedSpans(10, { attributes: () => ({ text: 'x'.repeat(1000) }) });
  const spool = open({ maxBytes: 50_000 });
  for (let i = 0; i < 10; i++) await spool.write(batch);
  const sizes = readdirSync(directory).map((name) => statSync(join(directory, name)).size);
  assert.ok(sizes.reduce((sum, size) => sum + size, 0) <= 50_000);
  assert.equal(lost.length, 10 - sizes.length);
  assert.deepEqual(lost[0], { why: 'the spool was full', spans: 10 });
  await assert.rejects(
    spool.write(endedSpans(1, { attributes: () => ({ text: 'x'.repeat(60_000) }) })),
    /more than the whole spool/,
  );
});

test('what other processes wrote counts too', async (t) => {
  const { lost, open } = fixture(t);
  const batch = endedSpans(10, { attributes: () => ({ text: 'x'.repeat(1000) }) });
  const [one, other] = [open({ maxBytes: 50_000 }), open({ maxBytes: 50_000 })];
  for (let i = 0; i < 3; i++) await one.write(batch);
  await other.scan();
  for (let i = 0; i < 3; i++) await other.write(batch);
  assert.ok(lost.length > 0);
});

test('what is too old leaves, counted', async (t) => {
  const { directory, lost, open } = fixture(t);
  await open().write(endedSpans(2), { atMillis: Date.now() - 60_000 });
  await open().write(endedSpans(1));
  await open({ maxAgeMillis: 30_000 }).scan();
  assert.equal(readdirSync(directory).length, 1);
  assert.deepEqual(lost, [{ why: 'they were too old', spans: 2 }]);
});

test('files of others in the directory are not touched', async (t) => {
  const { directory, open } = fixture(t);
  writeFileSync(join(directory, 'notes.txt'), 'mine');
  writeFileSync(join(directory, 'traces.jsonl'), 'mine');
  const spool = open({ maxAgeMillis: 1 });
  await spool.scan();
  assert.equal(await spool.take(), undefined);
  assert.equal(readdirSync(directory).length, 2);
});

test('a write that fails leaves nothing behind', async (t) => {
  const { directory, open } = fixture(t);
  const spool = open();
  rmSync(directory, { recursive: true });
  await assert.rejects(spool.write(endedSpans(1)), { code: 'ENOENT' });
  assert.ok(!spool.hasFiles);
});

test('closing gives back what was taken', async (t) => {
  const { open } = fixture(t);
  const spool = open();
  await spool.write(endedSpans(1));
  await spool.take();
  await spool.close();
  const other = open();
  await other.scan();
  assert.ok(await other.take());
});

test('closing gives back what is just being taken', async (t) => {
  const { open } = fixture(t);
  const closing = open();
  await closing.write(endedSpans(2));
  const taking = closing.take();
  await closing.close();
  const next = open();
  await next.scan();
  assert.equal((await next.read((await next.take()) as SpoolFile)).length, 2);
  assert.equal(await taking, undefined);
});

test('files that vanish with their directory are counted, whether they are looked for again or not', async (t) => {
  const { directory, lost, open } = fixture(t);
  const spool = open();
  await spool.write(endedSpans(2));
  await spool.write(endedSpans(3));
  assert.ok(await spool.take());
  await spool.write(endedSpans(4));
  rmSync(directory, { recursive: true });
  writeFileSync(directory, 'in the way');
  assert.equal(await spool.take(), undefined);
  await spool.close();
  const why = 'the directory of the spool was removed';
  assert.deepEqual(
    lost.sort((a, b) => a.spans - b.spans),
    [2, 3, 4].map((spans) => ({ why, spans })),
  );
});

test('a file that another process has sent meanwhile is not counted', async (t) => {
  const { lost, open } = fixture(t);
  const [one, other] = [open(), open()];
  await one.write(endedSpans(2));
  await other.scan();
  const file = await other.take();
  assert.ok(file);
  await other.remove(file);
  assert.equal(await one.take(), undefined);
  await one.close();
  assert.deepEqual(lost, []);
});

test('a directory that cannot be used is a TypeError', () => {
  assert.throws(() => new Spool({ directory: '/dev/null/spool' }, () => {}), {
    name: 'TypeError',
    message: /spool\.directory/,
  });
});
