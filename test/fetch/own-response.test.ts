/** Which Node versions give the application the `Response` of `fetch` itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Fetch, inEachWay, withOrigin } from './differential.js';

withOrigin();

test("on Node 20 to 24 a recorded response is fetch's own, and from Node 26 on it is made anew", async () => {
  let own: Response | undefined;
  const keepingOwn = (bare: Fetch): Fetch => {
    return async (...args) => {
      own = await bare(...args);
      return own;
    };
  };
  const isOwn = await inEachWay(
    async ({ fetch, url }) => {
      const response = await fetch(`${url}/text`);
      await response.text();
      return response === own;
    },
    { around: keepingOwn },
  );
  const isWatchedInPlace = Number.parseInt(process.versions.node, 10) <= 24;
  assert.deepEqual(isOwn, { bare: true, 'in a step': isWatchedInPlace, 'returned from a run': isWatchedInPlace });
});
