import { randomUUID } from 'node:crypto';
import { stringEnd } from '../../util/json-text.js';

/*
 * JSON whose numbers stay as their writer wrote them. `JSON.parse` rounds `9007199254740993`, makes `-0.0` and `1.10` of another
 * program `0` and `1.1`, and has no value for `1e400`. Node 20 has neither `JSON.rawJSON` nor a reviver that sees the source.
 */

/** A number that JavaScript would write in another way than the JSON text has it. `Number` and `String` read it. */
export class NumberText {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }

  toJSON(): string {
    return MARK + this.#text;
  }
}

/** A number as a file has it: some writers have quotes around it. */
export type WrittenNumber = number | string | NumberText;

/** Stands before a number while it is a JSON string. No file can contain it, because each process has its own. */
const MARK = `number:${randomUUID()}:`;
const MARKED = new RegExp(`"${MARK}([^"]*)"`, 'g');
const STRING_OR_NUMBER = /["\-\d]/g;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/**
 * Parses JSON. A number that JavaScript would write differently is a `NumberText`.
 *
 * @throws SyntaxError as `JSON.parse`.
 */
export function parseExact(text: string): unknown {
  // First as it is, because marks would hide some errors and move the position of the others.
  const plain: unknown = JSON.parse(text);
  const marked = markNumbers(text);
  if (marked === undefined) return plain;
  return JSON.parse(marked, (_, value) =>
    typeof value === 'string' && value.startsWith(MARK) ? new NumberText(value.slice(MARK.length)) : value,
  );
}

/** Writes what `parseExact` read, each number as it was. */
export function stringifyExact(value: object): string {
  return JSON.stringify(value).replace(MARKED, '$1');
}

function markNumbers(json: string): string | undefined {
  const parts: string[] = [];
  let copied = 0;
  STRING_OR_NUMBER.lastIndex = 0;
  for (let found = STRING_OR_NUMBER.exec(json); found; found = STRING_OR_NUMBER.exec(json)) {
    if (found[0] === '"') {
      STRING_OR_NUMBER.lastIndex = stringEnd(json, found.index);
      continue;
    }
    NUMBER.lastIndex = found.index;
    const [number = ''] = NUMBER.exec(json) ?? [];
    const end = found.index + number.length;
    STRING_OR_NUMBER.lastIndex = end;
    if (String(Number(number)) === number) continue;
    parts.push(json.slice(copied, found.index), `"${MARK}${number}"`);
    copied = end;
  }
  return copied === 0 ? undefined : parts.join('') + json.slice(copied);
}

const DECIMAL = /^(-?)0*(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
const MOST_DIGITS = 20;

/** The integer, exactly, also if it is written as `1.0` or `1e3`; `undefined` if it is none, or has more digits than 2^64. */
export function integerOf(written: WrittenNumber): bigint | undefined {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = DECIMAL.exec(String(written)) ?? [];
  const digits = (whole + fraction).replace(/^0+(?=\d)/, '');
  if (digits === '0') return 0n;
  const point = digits.length + Number(exponent) - fraction.length;
  if (digits === '' || point < 1 || point > MOST_DIGITS || !/^0*$/.test(digits.slice(point))) return undefined;
  return BigInt(sign + digits.slice(0, point).padEnd(point, '0'));
}

/** The nearest double; `undefined` if it is no number. NaN and the infinities are their names, as in Protobuf's JSON. */
export function doubleOf(written: WrittenNumber): number | undefined {
  const text = String(written);
  return DECIMAL.test(text) || /^(?:NaN|-?Infinity)$/.test(text) ? Number(text) : undefined;
}
