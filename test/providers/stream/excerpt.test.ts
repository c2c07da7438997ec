import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { excerpt, excerptInTwo } from '../../../src/providers/stream/excerpt.js';
import { ASKED, contentExtent, type Extent, FACTS, lengthBeforeCut } from '../../../src/providers/stream/extent.js';
import { JsonExcerpt } from '../../../src/providers/stream/json-excerpt.js';

const padding = 'x'.repeat(FACTS.whole);
const numbers = (length: number) => Array.from({ length }, (_, index) => index * -1.5e-7 - 1);
const parsed = (json: string, extent = FACTS) => JSON.parse(excerpt(json, extent).json as string);
const size = (text: string) => new TextEncoder().encode(text).length;
const bytesOf = (text: string) => new TextEncoder().encode(text);
const MARK = /^\[\d+ more characters\]$/;

/** No string up to this length is cut, wherever it is. */
const shortest = ({ string, inLists }: Extent) => Math.min(string, inLists, FACTS.string);

/** What may be left out with the numbers that a list begins with. */
const isNumber = (value: unknown) =>
  typeof value === 'number' || typeof value === 'boolean' || value === null || JSON.stringify(value) === '{}';

/** What is wrong with an excerpt; `undefined` if it has all that it has to have. `json` tells how long the text of a value is. */
function fault(found: unknown, whole: unknown, extent: Extent, json = JSON.stringify): string | undefined {
  if (typeof whole === 'string') {
    if (found === whole) return undefined;
    const cut = String(found).replace(/\[\d+ more characters\]={0,2}$/, '');
    if (!whole.startsWith(cut)) return `${found} is no beginning of ${whole}`;
    if (size(json(whole)) - 2 <= shortest(extent)) return `${whole} was cut`;
    const isAscii = /^[ -~]*$/.test(whole) && json(whole).length - 2 === whole.length;
    return !isAscii || lengthBeforeCut(String(found)) === whole.length ? undefined : `${found} has another length`;
  }
  if (Array.isArray(whole)) {
    if (!Array.isArray(found)) return `${found} is no list`;
    if (typeof whole[0] === 'number' && MARK.test(String(found[0]))) {
      const others = found.slice(1);
      const numbers = whole.slice(0, others.length >= extent.elements - 1 ? 1 : whole.length - others.length);
      if (!numbers.every(isNumber)) return `${numbers} are no numbers`;
      // The text has more blanks.
      if (2 * json(whole).length <= shortest(extent)) return `the numbers ${whole} are left out`;
      return others.length >= extent.elements - 1
        ? undefined
        : fault(others, whole.slice(numbers.length), extent, json);
    }
    if (found.length !== whole.length && found.length < extent.elements)
      return `${whole.length} elements are ${found.length}`;
    return found.map((item, index) => fault(item, whole[index], extent, json)).find((wrong) => wrong !== undefined);
  }
  if (typeof whole !== 'object' || whole === null) return Object.is(found, whole) ? undefined : `${found} is ${whole}`;
  const names = Object.keys(whole);
  const shortNames = names.filter((name) => size(json(name)) < shortest(extent));
  if (Object.keys(found as object).length !== names.length) return 'another number of fields';
  return shortNames
    .map((name) =>
      fault((found as Record<string, unknown>)[name], (whole as Record<string, unknown>)[name], extent, json),
    )
    .find((wrong) => wrong !== undefined);
}

const tricky = [
  '[',
  ']',
  '[1,2',
  '\\"[1]',
  '"',
  '\\',
  '[-1, "x"]',
  '"model":',
  '","model":"',
  '\\\\"',
  '\u2028',
  '\ud800',
  '{',
  '}',
  '=',
];
const short = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom(...tricky));
const long = fc
  .tuple(
    fc.array(fc.oneof(short, fc.constantFrom(...tricky)), { minLength: 1, maxLength: 20 }),
    fc.integer({ min: 1, max: 400 }),
  )
  .map(([parts, times]) => parts.join('').repeat(times).slice(0, 1500));
const vector = fc.integer({ min: 0, max: 400 }).map(numbers);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5 },
    fc.oneof(
      short,
      long,
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(null, true, false),
      vector,
    ),
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(short, fc.constantFrom('model', 'usage', '__proto__', '')), tie('tree'), { maxKeys: 4 }),
  ),
}));

/** JSON as other programs may write it: keys that are escaped or double, and blanks. */
function write(value: unknown, style: { blank: string; escapes: boolean; doubles: boolean }): string {
  const { blank } = style;
  const string = (text: string) => {
    const json = JSON.stringify(text);
    return style.escapes
      ? json.replace(/[a-z](?=[^\\u]*$)/i, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`)
      : json;
  };
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${blank}${value.map((item) => write(item, style)).join(`${blank},`)}${blank}]`;
  const fields = Object.entries(value).map(([name, item]) => `${string(name)}${blank}:${blank}${write(item, style)}`);
  if (style.doubles && fields.length > 0)
    fields.unshift(fields.at(-1) as string, `"model"${blank}:"${'earlier '.repeat(200)}"`);
  return `{${blank}${fields.join(`,${blank}`)}${blank}}`;
}

const style = fc.record({
  blank: fc.constantFrom('', ' ', '\n  ', '\r\n\t'),
  escapes: fc.boolean(),
  doubles: fc.boolean(),
});
const json = fc
  .tuple(tree, fc.array(fc.oneof({ maxDepth: 1 }, short, tree), { maxLength: 3 }), fc.nat(400), style)
  .map(([node, some, length, how]) => {
    const list = some.length === 0 ? [] : Array.from({ length }, (_, index) => some[index % some.length]);
    return write({ padding, node, list, usage: { total_tokens: 3 } }, how);
  })
  .filter((text) => text.length < 1_000_000);
const extent = fc.constantFrom(
  FACTS,
  ASKED,
  contentExtent(1000, ASKED),
  contentExtent(1000, FACTS),
  contentExtent(65_536, FACTS),
);

describe('An excerpt of a JSON text', () => {
  it('has what parsing the whole text finds, except the rest of what is long', () => {
    fc.assert(
      fc.property(json, extent, (text, how) => {
        assert.equal(fault(parsed(text, how), JSON.parse(text), how), undefined);
      }),
      { numRuns: 500 },
    );
  });

  it('is the same however the text is cut into chunks', () => {
    const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });
    fc.assert(
      fc.property(json, cuts, extent, (text, shares, how) => {
        const bytes = bytesOf(text);
        const whole = new JsonExcerpt(how);
        whole.push(bytes);
        const cut = new JsonExcerpt(how);
        let from = 0;
        for (const at of shares.map((share) => Math.floor(share * bytes.length)).sort((a, b) => a - b)) {
          const chunk = bytes.slice(from, at);
          cut.push(chunk);
          chunk.fill(0);
          from = at;
        }
        cut.push(bytes.slice(from));
        assert.equal(cut.text(), whole.text());
        assert.equal(cut.length, bytes.length);
        assert.equal(excerpt(text, how).bytes, bytes.length);
        if (text.length > how.whole) assert.equal(excerpt(text, how).json, whole.text());
      }),
      { numRuns: 500 },
    );
  });

  it('is the same for each byte of a text as a chunk of its own', () => {
    const strings = ['=', '==', 'x===', '\\', '"', 'é', '\u20ac', '\ud83d\ude00', '\u0001', ' [1]'];
    const lists = strings.flatMap((text) => [597, 598, 599, 600, 601, 602].map((length) => 'a'.repeat(length) + text));
    const value = { padding, lists, numbers: [numbers(300), [...numbers(300), 'x', { y: [1] }], [...numbers(2), [3]]] };
    for (const text of [JSON.stringify(value), JSON.stringify(value, undefined, 1)]) {
      for (const source of [
        text,
        text.replace(/[^\n -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
      ]) {
        const bytes = bytesOf(source);
        const found = new JsonExcerpt(FACTS);
        for (const byte of bytes) found.push(Uint8Array.of(byte));
        const whole = new JsonExcerpt(FACTS);
        whole.push(bytes);
        assert.equal(found.text(), whole.text());
        assert.equal(
          fault(JSON.parse(found.text() as string), value, FACTS, () => source),
          undefined,
        );
      }
    }
  });

  it('loses the rest of a list up to its own end, whatever the strings and lists in there look like', () => {
    const gap = fc.tuple(fc.constantFrom('word ', '\\"', ', ', '\n', '"a": ', '\\', 'é'), fc.nat(90));
    const gaps = gap.map(([text, times]) => text.repeat(times).slice(0, 200));
    const edge = fc.constantFrom(
      '',
      '[',
      ']',
      ',',
      ':',
      '{',
      '}',
      '],',
      ', [',
      '}],"b":[',
      ' ',
      '\\',
      '"',
      '\\"',
      ': ',
    );
    const string = fc.array(fc.oneof(edge, gaps), { maxLength: 6 }).map((parts) => parts.join(''));
    const item = fc.oneof(
      string,
      fc.array(string, { maxLength: 3 }),
      fc.dictionary(edge, fc.array(string), { maxKeys: 2 }),
    );
    const lists = fc.array(item, { minLength: 1, maxLength: 40 });
    const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 });
    fc.assert(
      fc.property(lists, style, cuts, (some, how, shares) => {
        const list = Array.from({ length: 400 }, (_, index) => some[index % some.length]);
        const text = write({ padding, list, after: [1, ['x']], usage: { total_tokens: 3 } }, how);
        const bytes = bytesOf(text);
        const found = new JsonExcerpt(ASKED);
        let from = 0;
        for (const at of shares.map((share) => Math.floor(share * bytes.length)).sort((a, b) => a - b)) {
          found.push(bytes.subarray(from, at));
          from = at;
        }
        found.push(bytes.subarray(from));
        assert.equal(fault(JSON.parse(found.text() as string), JSON.parse(text), ASKED), undefined);
      }),
      { numRuns: 500 },
    );
  });

  it('is made for two extents in one pass', () => {
    const how = contentExtent(65_536, ASKED);
    // In a longer text, a string may be cut twice, and then its second cut may be in the mark of the first.
    const texts = json.filter((text) => text.length < how.total);
    // A string that was cut twice does not tell its length, so no text counts as being as long as its value.
    const longer = (value: unknown) => `${JSON.stringify(value)} `;
    fc.assert(
      fc.property(texts, (text) => {
        const both = excerptInTwo(text, how);
        assert.equal(fault(JSON.parse(both.json as string), JSON.parse(text), ASKED, longer), undefined);
        assert.equal(both.more(), excerpt(text, how).json);
        assert.equal(both.bytes, bytesOf(text).length);
      }),
      { numRuns: 300 },
    );
  });

  it('is no JSON if the text is cut', () => {
    fc.assert(
      fc.property(json, fc.double({ min: 0, max: 1, noNaN: true }), extent, (text, share, how) => {
        const cut = text.slice(0, Math.floor(share * (text.length - 1)));
        const found = excerpt(cut, how).json;
        if (found !== undefined) assert.throws(() => JSON.parse(found), SyntaxError);
      }),
      { numRuns: 500 },
    );
  });

  it('is no JSON if brackets do not match, or something follows', () => {
    const texts = [
      `{"a":[1,"${padding}"}]`,
      `{"a":"${padding}"}}`,
      `{"a":"${padding}"} {}`,
      `["${padding}"`,
      `"${padding}`,
      '['.repeat(1 << 20),
    ];
    texts.push(`{"list":[${'{"a":"b"},'.repeat(500)}{]}],"b":1}`, '[1,'.repeat(1 << 18));
    for (const text of texts) {
      const found = excerpt(text, FACTS).json;
      if (found !== undefined) assert.throws(() => JSON.parse(found), SyntaxError, text.slice(0, 20));
    }
  });

  it('says how long a string was, and keeps the padding of base64', () => {
    for (const length of [3000, 3001, 3002]) {
      const base64 = Buffer.alloc(length, 7).toString('base64');
      const { data } = parsed(JSON.stringify({ padding, data: `data:image/png;base64,${base64}` }));
      assert.equal(lengthBeforeCut(data), base64.length + 22);
      assert.equal(/=*$/.exec(data)?.[0], /=*$/.exec(base64)?.[0]);
      assert.ok(data.length < 700);
    }
    assert.equal(lengthBeforeCut('a text'), 6);
  });

  it('has what follows the numbers that a list begins with', () => {
    const mixed = [...numbers(1000), 'text', { usage: { total: 3 } }, [4, 5], ...numbers(3)];
    const found = parsed(
      JSON.stringify({
        padding,
        mixed,
        nested: [
          [...numbers(300), [6]],
          [...numbers(300), {}],
        ],
      }),
    );
    assert.deepEqual(found.mixed.slice(1), mixed.slice(1000));
    assert.deepEqual(found.nested[0].slice(1), [[6]]);
    assert.match(found.mixed[0], MARK);
  });

  it('has the first 256 elements of a list, and says how many numbers it leaves out', () => {
    const list = Array.from({ length: 5000 }, (_, index) => ({ index, reason: 'x'.repeat(100), list: [index, 'x'] }));
    const found = parsed(JSON.stringify({ list, vector: numbers(1536), nested: [numbers(300), numbers(3)] }));
    assert.deepEqual(found.list, list.slice(0, 256));
    const asked = parsed(JSON.stringify({ list, stop: numbers(200).map(String) }), ASKED);
    assert.deepEqual(asked.list, list.slice(0, asked.list.length));
    assert.ok(asked.list.length >= 16 && JSON.stringify(asked.list).length < 5000);
    assert.equal(asked.stop.length, 200);
    const stops = Array.from({ length: 3000 }, (_, index) => `stop ${index}`);
    assert.deepEqual(parsed(JSON.stringify({ padding, stops }), ASKED).stops, stops);
    assert.deepEqual(parsed(JSON.stringify({ stops, padding }), contentExtent(1000, ASKED)).stops, stops);
    assert.deepEqual(found.vector, [`[${JSON.stringify(numbers(1536)).length - 2} more characters]`]);
    assert.deepEqual(found.nested, [[`[${JSON.stringify(numbers(300)).length - 2} more characters]`], numbers(3)]);
  });
});
