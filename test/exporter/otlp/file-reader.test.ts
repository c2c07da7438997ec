import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type OtlpLine, readOtlpFile } from '../../../src/exporter/otlp/file-reader.js';
import { encodeRequest } from '../../../src/exporter/otlp/json.js';
import { endedSpans } from '../../support/spans.js';

function pathIn(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'runtrace-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'traces.jsonl');
}

async function read(path: string): Promise<OtlpLine[]> {
  const lines: OtlpLine[] = [];
  for await (const line of readOtlpFile(path)) lines.push(line);
  return lines;
}

/** The number of each line, with its spans' count or its error. */
async function summary(path: string): Promise<[number, number | string][]> {
  return (await read(path)).map((line) => [line.number, 'spans' in line ? line.spans.length : line.error.message]);
}

test('a line of 600 MB is an error of its own, and the lines around it are read', async (t) => {
  const path = pathIn(t);
  const file = openSync(path, 'w');
  const before = writeSync(file, `${encodeRequest(endedSpans(2))}\n`);
  // Nothing is written between, which reads as zeros.
  writeSync(file, `\n${encodeRequest(endedSpans(3))}`, before + 600_000_000);
  closeSync(file);
  assert.deepEqual(await summary(path), [
    [1, 2],
    [2, 'the line is longer than 256 MiB'],
    [3, 3],
  ]);
});

test('lines with a byte order mark, CRLF, nothing, and no end are read', async (t) => {
  const path = pathIn(t);
  const line = encodeRequest(endedSpans(1));
  writeFileSync(path, `\ufeff${line}\r\n\r\n\n  ${line}`);
  assert.deepEqual(await summary(path), [
    [1, 1],
    [4, 1],
  ]);
});

test('a document over many lines is read', async (t) => {
  const path = pathIn(t);
  writeFileSync(path, JSON.stringify(JSON.parse(encodeRequest(endedSpans(4))), null, 2));
  assert.deepEqual(await summary(path), [[1, 4]]);
});

test('text that is split between two chunks in the middle of a character is whole', async (t) => {
  const path = pathIn(t);
  const text = '…'.repeat(100_000);
  writeFileSync(path, encodeRequest(endedSpans(1, { attributes: () => ({ text }) })));
  const [line] = await read(path);
  assert.equal(line && 'spans' in line && line.spans[0]?.attributes.text, text);
});

const nested = (depth: number) =>
  `{"resourceSpans":[{"resource":{"attributes":[{"key":"a","value":${'{"arrayValue":{"values":['.repeat(depth)}{"stringValue":"x"}${']}}'.repeat(depth)}}]}}]}`;
const wrong: [string, string, RegExp][] = [
  ['is no JSON', '\u001b[31mhunter2', /^not JSON/],
  ['is cut off', '{"resourceSpans":[{"hunter2', /^not JSON/],
  ['is other JSON', '{"hunter2":1}', /no resourceSpans/],
  ['has a field of another type', '{"resourceSpans":[{"scopeSpans":{"hunter2":1}}]}', /wrong type/],
  ['has a span without an id', '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"hunter2"}]}]}]}', /has no id/],
  ['has no span where one must be', '{"resourceSpans":[{"scopeSpans":[{"spans":[null]}]}]}', /wrong type/],
  [
    'has a time that is none',
    '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"a","spanId":"b","startTimeUnixNano":"hunter2"}]}]}]}',
    /a time has no digits of an integer/,
  ],
  ['is nested a thousand levels deep', nested(1000), /nested deeper than 100 levels/],
  ['is nested a hundred thousand levels deep', nested(100_000), /nested deeper than 100 levels|not JSON/],
];
for (const [kind, line, says] of wrong) {
  test(`a line that ${kind} is an error that does not quote it, and the next line is read`, async (t) => {
    const path = pathIn(t);
    writeFileSync(path, `${line}\n${encodeRequest(endedSpans(1))}\n`);
    const [[, message], [, next]] = (await summary(path)) as [[number, string], [number, number]];
    assert.match(message, says);
    assert.ok(!message.includes('hunter2') && !message.includes('\u001b'), message);
    assert.equal(next, 1);
  });
}
