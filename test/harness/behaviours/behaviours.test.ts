import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { type Cell, fillTable } from './table.js';

/** The fewest that cover every reader of the wire. `npm run behaviours` takes all. */
const CLIENTS = ['openai chat', 'openai responses', 'anthropic', 'google'];

describe('every way a call can go', () => {
  let cells: Cell[];
  before(async () => {
    cells = await fillTable({ clients: CLIENTS, runs: 2, callsEach: 20 });
  });

  for (const wayIn of ['fetch', 'register'] as const) {
    for (const client of CLIENTS) {
      test(`looks as it must with ${client}, through ${wayIn === 'fetch' ? 'the option fetch' : 'register'}`, () => {
        const part = cells.filter((cell) => cell.wayIn === wayIn && cell.client === client);
        const wrong = part.flatMap(({ way, wrong }) => wrong.map((complaint) => `${way}: ${complaint}`));
        assert.ok(part.length > 30, `${part.length} cells`);
        assert.deepEqual(wrong, []);
      });
    }
  }
});
