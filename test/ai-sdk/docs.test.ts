import { test } from 'node:test';
import { compileSnippets } from '../package-surface/snippets.js';

test('the snippets of docs/ai-sdk.md compile', () => {
  compileSnippets('ai-sdk-snippets', ['docs/ai-sdk.md']);
});
