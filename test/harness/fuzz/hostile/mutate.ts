import type { Random } from '../random.js';

/** Texts that readers look for, or that are at a limit. */
const TOKENS = [
  ...[
    '{',
    '}',
    '[',
    ']',
    '"',
    '\\',
    '\\u0000',
    ':',
    ',',
    'null',
    'true',
    '-0',
    '1e999',
    '9007199254740993',
    '"__proto__":',
    '{"a":',
  ],
  ...[
    '\n\n',
    '\r\n',
    'data: ',
    'event: error\n',
    '[DONE]',
    '"error":',
    '"choices":',
    '"usage":',
    '"type":',
    '"index":-1',
    '"id":',
  ],
  ...[
    '\u001b[2J',
    '\u202e',
    '\u2028',
    '\ud800',
    '\ufeff',
    'é',
    '%00',
    '%',
    '&',
    '=',
    'Bearer ',
    'sk-',
    '://',
    '@',
    '--b',
    '<',
  ],
].map((text) => Buffer.from(text));
const MAX_LENGTH = 65_536;

/** One of the inputs with one to eight changes. */
export function mutate(inputs: readonly Buffer[], random: Random): Buffer {
  const below = (limit: number) => random.integer(0, Math.max(0, limit - 1));
  let input: Buffer = Buffer.from(random.pick(inputs));
  for (let changes = 1 + below(8); changes > 0; changes--) {
    const at = below(input.length + 1);
    const end = at + below(Math.min(input.length - at, 64) + 1);
    const [head, part, tail] = [input.subarray(0, at), input.subarray(at, end), input.subarray(end)];
    const other = random.pick(inputs);
    const replacements: (() => Buffer[])[] = [
      () => [],
      () => [part, random.pick(TOKENS)],
      () => [Buffer.from([below(256)])],
      () => [part, part],
      () => Array.from({ length: below(200) }, () => part),
      () => [other.subarray(below(other.length), below(other.length + 1))],
    ];
    input = Buffer.concat([head, ...random.pick(replacements)(), tail]).subarray(0, MAX_LENGTH);
  }
  return input;
}
