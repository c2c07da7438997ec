import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lineDiff } from './line-diff.js';

describe('the diff of two texts', () => {
  test('is empty for equal texts', () => {
    assert.equal(lineDiff('a\nb\n', 'a\nb\n'), '');
  });

  test('marks removed and added lines, with two lines around them', () => {
    assert.equal(lineDiff('a\nb\nc\nd\ne\nf', 'a\nb\nc\nD\ne\nf'), '  b\n  c\n- d\n+ D\n  e\n  f');
  });

  test('leaves out what lies between two changes', () => {
    const lines = ['1', '2', '3', '4', '5', '6', '7', '8'];
    const changed = ['new', ...lines.slice(0, -1)];
    assert.equal(lineDiff(lines.join('\n'), changed.join('\n')), '+ new\n  1\n  2\n  …\n  6\n  7\n- 8');
  });
});
