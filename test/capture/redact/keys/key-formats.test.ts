import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { ALPHABETS, type FormatRow } from '../../../../src/capture/redact/keys/key-format.js';
import { KEY_FORMATS } from '../../../../src/capture/redact/keys/key-table.js';
import { createRedactor } from '../../../../src/capture/redact/redactor.js';
import { Random } from '../../../harness/fuzz/random.js';

const redactor = createRedactor();

function charactersOf(alphabet: keyof typeof ALPHABETS): string {
  const pattern = new RegExp(`[${ALPHABETS[alphabet]}]`);
  let characters = '';
  for (let code = 33; code < 127; code++)
    if (pattern.test(String.fromCharCode(code))) characters += String.fromCharCode(code);
  return characters;
}

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

function checksumOf(text: string): string {
  let value = crc32(text);
  let digits = '';
  for (let count = 0; count < 6; count++) {
    digits = BASE62[value % 62] + digits;
    value = Math.floor(value / 62);
  }
  return digits;
}

/** A key of a row that the columns describe: its prefix, and random characters. */
function keyOf([, , alphabet, length, , , details]: FormatRow, prefix: string, random: Random): string {
  const [least, most] = typeof length === 'number' ? [length, length] : length;
  const body = random.text(charactersOf(alphabet), random.integer(least, Math.min(most, 150)));
  return prefix + (details?.checksum ? body.slice(0, -6) + checksumOf(body.slice(0, -6)) : body);
}

describe('a key of each format that its columns describe is replaced as a whole', () => {
  const rows = KEY_FORMATS.filter(([, , , , , , details]) => !details?.shape && !details?.before);
  for (const row of rows) {
    test(`${row[0]}: ${row[1]}`, () => {
      const random = new Random(7);
      const samples = 20;
      let missed = 0;
      for (const prefix of row[1].split(' ')) {
        for (let sample = 0; sample < samples; sample++) {
          const key = keyOf(row, prefix, random);
          if (key.length < 16 || /[^0-9A-Za-z]$/.test(key)) continue;
          if (redactor.text(`It is ${key} and no other.`) !== 'It is REDACTED and no other.') missed++;
        }
      }
      // A short random text may look like words.
      assert.ok(missed <= (row[1].split(' ').length * samples) / 10, `${missed} missed`);
    });
  }
});

test('every row has a source and a year, and no prefix is in the table twice with the same alphabet', () => {
  const seen = new Set<string>();
  for (const [issuer, prefixes, alphabet, length, source, year] of KEY_FORMATS) {
    assert.match(source, /^[\w.-]+\.\w+/, issuer);
    assert.ok(year >= 2005 && year <= 2026, issuer);
    for (const prefix of prefixes.split(' ')) {
      assert.notEqual(prefix, '', issuer);
      const id = `${prefix} ${alphabet} ${length}`;
      assert.ok(!seen.has(id), id);
      seen.add(id);
    }
  }
});

const WHOLE_TOKENS = [
  `sntrys_${'eyJpYXQiOjE2OTAwMDAwMDAuMSwidXJsIjoiaHR0cHM6Ly9zZW50cnkuaW8iLCJvcmciOiJhYmMifQ'}==_${'aB3x'.repeat(11)}`,
  `ghp_${'aB3dE5'.repeat(6)}.${'x9Y2z'.repeat(4)}`,
  `glpat-${'aB3dE5fG7h'.repeat(2)}$${'x9Y2z'.repeat(4)}`,
  `pul-${'0a1b2c3d4e'.repeat(4)}:${'Zz9'.repeat(5)}`,
];

for (const token of WHOLE_TOKENS) {
  test(`characters outside of the alphabet belong to the token: ${token.slice(0, 12)}…`, () => {
    assert.equal(redactor.text(`It is ${token} and no other.`), 'It is REDACTED and no other.');
  });
}

const WORDS = [
  'sk-container-repr-html-1',
  'sk-estimator-doc-link-wrapper-2024',
  'npm_package_engines_Node20',
  'npm_config_local_prefix_path_1',
  'hf_transfer_enabled_by_default_2',
  'live_stream_concurrent_viewers_v2_total_counts',
  'pa-11y-accessibility-checks-for-continuous-builds',
  'glrt-scheduler-queue-length-limit-2',
  'key-value-store-with-expiration-dates-2',
  'test_case_names_that_are_long_enough_for_a_key1',
];

for (const word of WORDS) {
  test(`words behind a prefix stay: ${word}`, () => {
    assert.equal(redactor.text(`It is ${word} and no other.`), `It is ${word} and no other.`);
  });
}
