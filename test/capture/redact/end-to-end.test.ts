import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentStays, failuresOf, harmlessStays, secretsStay } from './end-to-end.js';

/** A few of each: `npm run fuzz` plays the same thousands of times. */
const SECRETS = 60;
const HARMLESS = 30;
const CONTENT = 10;
const FIRST_SEED = Date.now() % 1_000_000_000;

test(`no secret leaves, whichever door it came in by, in ${SECRETS} cases from seed ${FIRST_SEED} on`, async () => {
  assert.deepEqual(await failuresOf(secretsStay, FIRST_SEED, SECRETS), []);
});

test(`nothing harmless is lost on the way, in ${HARMLESS} cases from seed ${FIRST_SEED} on`, async () => {
  assert.deepEqual(await failuresOf(harmlessStays, FIRST_SEED, HARMLESS), []);
});

test(`nothing of what was asked and answered leaves at metadata, in ${CONTENT} cases from seed ${FIRST_SEED} on`, async () => {
  assert.deepEqual(await failuresOf(contentStays, FIRST_SEED, CONTENT), []);
});
