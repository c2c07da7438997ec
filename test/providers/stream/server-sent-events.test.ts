import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SseParser } from '../../../src/providers/stream/server-sent-events.js';

function events(chunks: string[], maxLength = 1000): { events: [name: string, data: string][]; dropped: number } {
  const found: [string, string][] = [];
  const parser = new SseParser((name, data) => found.push([name, data]), maxLength);
  for (const chunk of chunks) parser.push(chunk);
  parser.end();
  return { events: found, dropped: parser.dropped };
}

const table: [what: string, text: string, expected: [string, string][]][] = [
  ['an event without a name', 'data: a\n\n', [['', 'a']]],
  ['an event with a name, wherever the name stands', 'data: a\nevent: n\n\n', [['n', 'a']]],
  [
    'a name that does not outlive its event',
    'event: n\ndata: a\n\ndata: b\n\n',
    [
      ['n', 'a'],
      ['', 'b'],
    ],
  ],
  ['data of many lines', 'data: a\ndata:\ndata:  b\n\n', [['', 'a\n\n b']]],
  ['no blank after the colon', 'event:n\ndata:a\n\n', [['n', 'a']]],
  ['a field without a colon', 'data\n\n', [['', '']]],
  ['comments, ids and unknown fields', ': hi\nid: 1\nretry: 5\ndatax: b\neventual: c\ndata: a\n\n', [['', 'a']]],
  ['no data, no event', 'event: n\n\n\n\n: keep-alive\n\ndata: a\n\n', [['', 'a']]],
  ['lines that end with CR and LF', 'event: n\r\ndata: a\r\ndata: b\r\n\r\n', [['n', 'a\nb']]],
  [
    'lines that end with CR',
    'event: n\rdata: a\r\rdata: b\r\r',
    [
      ['n', 'a'],
      ['', 'b'],
    ],
  ],
  [
    'all line ends mixed',
    'data: a\r\n\rdata: b\n\r\ndata: c\r\r',
    [
      ['', 'a'],
      ['', 'b'],
      ['', 'c'],
    ],
  ],
  [
    'a last event without an empty line',
    'data: a\n\ndata: [DONE]',
    [
      ['', 'a'],
      ['', '[DONE]'],
    ],
  ],
];

describe('Server-sent events', () => {
  for (const [what, text, expected] of table) {
    it(`reads ${what}`, () => {
      assert.deepEqual(events([text]), { events: expected, dropped: 0 });
    });
  }

  it('reads the same from any chunks', () => {
    const piece = fc.constantFrom(
      'data: ',
      'data',
      'data: a\n\n',
      'data:  a\n\n',
      'data: \n\n',
      'event: ',
      'event',
      ':',
      ' ',
      'a',
      'ü',
      '\n',
      '\r',
      '\r\n',
      '\n\n',
      '',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), fc.integer({ min: 4, max: 40 }), (pieces, maxLength) => {
        const text = pieces.join('');
        const whole = events([text], maxLength);
        assert.deepEqual(events(pieces, maxLength), whole);
        assert.deepEqual(events([...text], maxLength), whole);
      }),
      { numRuns: 2000 },
    );
  });

  it('drops an event that is too long, counts it, and reads the next one', () => {
    const long = 'x'.repeat(60);
    for (const tooLong of [
      `data: ${long}\n\n`,
      `data: ${long.slice(30)}\ndata: ${long.slice(20)}\n\n`,
      `:${long}\n\n`,
    ]) {
      const text = `data: a\n\n${tooLong}data: b\n\n`;
      const expected = {
        events: [
          ['', 'a'],
          ['', 'b'],
        ],
        dropped: 1,
      };
      assert.deepEqual(events([text], 60), expected);
      assert.deepEqual(events([...text], 60), expected);
    }
  });

  it('keeps nothing of an endless line', () => {
    const parser = new SseParser(() => {}, 1000);
    const before = process.memoryUsage().heapUsed;
    for (let count = 0; count < 200; count++) parser.push(Buffer.alloc(1 << 20, 'x').toString());
    globalThis.gc?.();
    assert.ok(process.memoryUsage().heapUsed - before < 100 << 20);
    parser.push('\n\ndata: a\n\n');
    assert.equal(parser.dropped, 1);
  });
});
