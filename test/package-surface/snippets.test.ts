import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { compileSnippets } from './snippets.js';

const DOCS = readdirSync('docs').filter((name) => name.endsWith('.md'));
/** Its snippets need the AI SDK 7: test/ai-sdk/docs.test.ts compiles them. */
const ON_AI_SDK = 'ai-sdk.md';

test('the snippets of README and docs compile', () => {
  compileSnippets('snippets', [
    'README.md',
    ...DOCS.filter((name) => name !== ON_AI_SDK).map((name) => `docs/${name}`),
  ]);
});
