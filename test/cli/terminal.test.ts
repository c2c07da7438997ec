import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { printable, printableJson } from '../../src/cli/terminal.js';

const HIDDEN = {
  'an escape sequence': '\u001b[2J',
  'a control character of eight bits': '\u009b2J',
  'a change of direction': '\u202e',
  'an isolate': '\u2066',
  'a zero-width space': '\u200b',
  'a soft hyphen': '\u00ad',
  'a tag character': '\u{e0041}',
  'a filler of Hangul': '\u3164',
  'a filler of Hangul, half as wide': '\uffa0',
  'a combining joiner': '\u034f',
  'a vowel of Khmer that is not shown': '\u17b4',
  'a blank of Braille': '\u2800',
  'a variation selector of text': '\ufe00',
  'a variation selector of the supplement': '\u{e0100}',
  'a second selector behind another': '\ufe0f\ufe0f',
  'a line separator': '\u2028',
  'a line feed': '\n',
  'a half of a character': '\ud800',
};

describe('what controls a terminal or is not seen is shown as a point', () => {
  for (const [what, hidden] of Object.entries(HIDDEN)) {
    test(what, () => {
      const shown = printable(`a${hidden}b`);
      assert.ok(!shown.includes(hidden), JSON.stringify(shown));
      assert.match(shown, /·/);
    });
    test(`${what} is an escape in JSON`, () => {
      const json = printableJson(JSON.stringify({ name: `a${hidden}b` }));
      assert.ok(!json.includes(hidden), json);
      assert.deepEqual(JSON.parse(json), { name: `a${hidden}b` });
    });
  }
});

test('letters of all languages and single emoji stay', () => {
  const text = 'größer 漢字 العربية हिन्दी ❤️ 😀 ✔ 한국어';
  assert.equal(printable(text), text);
  assert.equal(printableJson(JSON.stringify(text)), JSON.stringify(text));
});
