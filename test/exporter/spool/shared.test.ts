/** A directory that others can write to: what they put there must not harm. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { encodeRequest } from '../../../src/exporter/otlp/json.js';
import { readRegular } from '../../../src/exporter/spool/file.js';
import { Spool } from '../../../src/exporter/spool/spool.js';
import { endedSpans, namesOf } from '../../support/spans.js';
import { warningsOf } from '../sender/backend.js';
import { CONTENT, NAME } from './file-of-0.1.js';

function directoryOf(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'runtrace-spool-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function open(directory: string, maxBytes?: number) {
  const lost: { why: string; spans: number; bytes: number }[] = [];
  const spool = new Spool(
    { directory, maxAgeMillis: Number.MAX_SAFE_INTEGER, ...(maxBytes && { maxBytes }) },
    (why, spans, bytes) => lost.push({ why, spans, bytes }),
  );
  return { spool, lost };
}

/** A name of the spool's form, with any figures. */
function nameWith({ millis = String(Date.now()), spans = '2', bytes = '100', random = '0123456789ab' } = {}): string {
  return `${millis}-${spans}-${bytes}-${random}.jsonl`;
}

test('a file that runtrace 0.1 wrote is read', async (t) => {
  const directory = directoryOf(t);
  writeFileSync(join(directory, NAME), CONTENT);
  const { spool, lost } = open(directory);
  await spool.scan();
  const file = await spool.take();
  assert.ok(file);
  const spans = await spool.read(file);
  assert.deepEqual(namesOf(spans), ['chat gpt-5', 'invoke_workflow chat_turn']);
  assert.equal(encodeRequest(spans), CONTENT.trimEnd());
  assert.deepEqual(lost, []);
});

test('a FIFO, links and a directory with names of the spool are neither read, nor touched, nor waited for', async (t) => {
  const directory = directoryOf(t);
  const elsewhere = join(directoryOf(t), 'private');
  writeFileSync(elsewhere, `${encodeRequest(endedSpans(2))}\n`);
  const before = statSync(elsewhere);
  const name = (n: number) => join(directory, nameWith({ random: `00000000000${n}` }));
  execFileSync('mkfifo', [name(1)]);
  symlinkSync('/dev/zero', name(2));
  symlinkSync(elsewhere, name(3));
  linkSync(elsewhere, name(4));
  execFileSync('mkdir', [name(5)]);
  const { spool, lost } = open(directory);
  await spool.scan();
  assert.equal(await spool.take(), undefined);
  await spool.close();
  assert.equal(readdirSync(directory).length, 5);
  assert.equal(statSync(elsewhere).mtimeMs, before.mtimeMs);
  assert.deepEqual(lost, []);
});

test('a socket with a name of the spool is left alone, and a directory behind a link is used', async (t) => {
  const directory = directoryOf(t);
  const server = createServer().listen(join(directory, nameWith({ random: '00000000000a' })));
  t.after(() => server.close());
  await once(server, 'listening');
  writeFileSync(join(directory, nameWith({ random: '00000000000b' })), `${encodeRequest(endedSpans(1))}\n`);
  const link = join(directoryOf(t), 'link');
  symlinkSync(directory, link);
  const { spool, lost } = open(link);
  await spool.scan();
  const file = await spool.take();
  assert.ok(file);
  assert.equal((await spool.read(file)).length, 1);
  await spool.remove(file);
  assert.equal(await spool.take(), undefined);
  assert.deepEqual(lost, []);
  assert.equal(readdirSync(directory).length, 1);
});

test('files of NUL bytes, of broken UTF-8 and of nothing harm no other file', async (t) => {
  const directory = directoryOf(t);
  const contents = [Buffer.alloc(100_000), Buffer.from([0xff, 0xfe, 0x0a, 0xc3]), Buffer.alloc(0)];
  for (const [index, content] of contents.entries()) {
    writeFileSync(join(directory, nameWith({ millis: '1700000000000', random: `00000000000${index}` })), content);
  }
  writeFileSync(join(directory, nameWith({ random: '00000000000b' })), `${encodeRequest(endedSpans(2))}\n`);
  const { spool } = open(directory);
  await spool.scan();
  const read: number[] = [];
  for (let file = await spool.take(); file; file = await spool.take()) {
    read.push((await spool.read(file)).length);
    await spool.remove(file);
  }
  assert.deepEqual(read, [0, 0, 0, 2]);
});

test('a file that became a link between looking and opening is not followed', async (t) => {
  const directory = directoryOf(t);
  const { spool } = open(directory);
  await spool.write(endedSpans(1));
  const file = await spool.take();
  assert.ok(file);
  const [taken] = readdirSync(directory) as [string];
  rmSync(join(directory, taken));
  symlinkSync('/etc/passwd', join(directory, taken));
  await assert.rejects(spool.read(file), { code: 'ELOOP' });
});

// Files below /proc have 0 bytes and a content, as a file that is appended to after its size was looked at.
test('no more of a file is read than it had when it was opened', { skip: process.platform !== 'linux' }, async () => {
  assert.notEqual(readFileSync('/proc/version').length, 0);
  assert.equal((await readRegular('/proc/version', () => true)).length, 0);
});

test('figures in a name do not count: room and losses are those of the files', async (t) => {
  const directory = directoryOf(t);
  const content = `${encodeRequest(endedSpans(3))}\n`;
  writeFileSync(
    join(directory, nameWith({ millis: '1700000000000', spans: '9'.repeat(20), bytes: '1'.repeat(21) })),
    content,
  );
  const { spool, lost } = open(directory, 4 * 1024 * 1024);
  await spool.scan();
  assert.ok(spool.hasRoom);
  for (let i = 0; i < 6; i++) await spool.write(endedSpans(1, { attributes: () => ({ text: 'x'.repeat(900_000) }) }));
  assert.deepEqual(lost[0], { why: 'the spool was full', spans: 3, bytes: content.length });
});

test('a time to come in a name does not keep a file for ever', async (t) => {
  const directory = directoryOf(t);
  writeFileSync(join(directory, nameWith({ millis: '9999999999999' })), `${encodeRequest(endedSpans(1))}\n`);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const spool = new Spool({ directory, maxAgeMillis: 1 }, () => {});
  await spool.write(endedSpans(1), { atMillis: Date.now() });
  await spool.scan();
  const file = await spool.take();
  assert.ok(!file || file.atMillis <= Date.now());
});

test('a directory that others can write to is used, and reported once', async (t) => {
  const warnings = warningsOf(t);
  const directory = directoryOf(t);
  chmodSync(directory, 0o777);
  const { spool } = open(directory);
  open(directory);
  await spool.write(endedSpans(1));
  assert.ok(await spool.take());
  assert.equal(warnings.length, 1);
  assert.ok(warnings[0]?.includes(`other users can write to the spool's directory ${directory}`), warnings[0]);
  const own = directoryOf(t);
  open(own);
  assert.equal(warnings.length, 1);
});

test('in a directory with the sticky bit only our own files are sent; in another one also those of another user', {
  skip: process.getuid?.() !== 0 && 'needs root, to make a file of another user',
}, async (t) => {
  warningsOf(t);
  for (const [mode, count] of [
    [0o1777, 0],
    [0o777, 1],
  ] as const) {
    const directory = directoryOf(t);
    chmodSync(directory, mode);
    const path = join(directory, nameWith());
    writeFileSync(path, `${encodeRequest(endedSpans(1))}\n`);
    chownSync(path, 12345, 12345);
    const { spool } = open(directory);
    await spool.scan();
    assert.equal((await spool.take()) ? 1 : 0, count, mode.toString(8));
  }
});

test('the files are only for their owner', async (t) => {
  const directory = directoryOf(t);
  const { spool } = open(directory);
  await spool.write(endedSpans(1));
  spool.writeSync(endedSpans(1));
  for (const name of readdirSync(directory)) {
    assert.equal(statSync(join(directory, name)).mode & 0o777, 0o600);
    assert.ok(readFileSync(join(directory, name), 'utf8').startsWith('{"resourceSpans"'));
  }
});
