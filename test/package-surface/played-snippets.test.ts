/** Plays code that README and docs show as complete. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startProvider } from '../../examples/demo/provider.js';

const FOLDER = 'build/played-snippets';

test('the unit test of docs/recording.md finds the step and its run', async (t) => {
  const provider = await startProvider();
  t.after(provider.close);
  const snippet = snippetWith('getFinishedSpans', 'docs/recording.md');
  const out = await play(
    'unit-test.mjs',
    `import OpenAI from 'openai';
import { recordingFetch } from 'runtrace';
const openai = new OpenAI({ apiKey: 'none', baseURL: '${provider.url}/v1', fetch: recordingFetch });
${snippet}
console.log(step?.name, step?.attributes['runtrace.status'], root?.name, root?.attributes['runtrace.status']);
`,
  );
  assert.equal(out, 'chat gpt-5 completed invoke_workflow chat_turn completed\n');
});

function snippetWith(word: string, path: string): string {
  const blocks = readFileSync(path, 'utf8').matchAll(/^```[jt]s\n([\s\S]*?)^```$/gm);
  const code = [...blocks].map(([, code = '']) => code).find((code) => code.includes(word));
  assert.ok(code, `${path} has no snippet with ${word}`);
  return code;
}

async function play(file: string, text: string): Promise<string> {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${FOLDER}/${file}`, text);
  const { stdout } = await promisify(execFile)(process.execPath, [`${FOLDER}/${file}`]);
  return stdout;
}
