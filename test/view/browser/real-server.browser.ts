import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import OpenAI from 'openai';
import { createRecorder, wrapFetch } from 'runtrace';
import { OTLPFileExporter, RuntraceSpanProcessor } from 'runtrace/exporter';
import { ok, startProvider, status } from '../../../examples/demo/provider.js';
import { clipboard, openUrl, rowTexts } from './browser.js';

/** A real run, recorded with everything, in a file that the real `runtrace view FILE` serves. */
describe('runtrace view FILE', () => {
  const folder = mkdtempSync(join(tmpdir(), 'runtrace-page-'));
  const file = join(folder, 'traces.jsonl');
  let viewer: ReturnType<typeof spawn>;
  let url = '';

  before(async () => {
    await recordTo(file);
    viewer = spawn(process.execPath, ['dist/cli/main.js', 'view', file], { stdio: ['ignore', 'pipe', 'inherit'] });
    url = await new Promise<string>((resolve, reject) => {
      let text = '';
      viewer.once('exit', (code) => reject(new Error(`runtrace view exited with ${code}: ${text}`)));
      viewer.stdout?.on('data', (data) => {
        text += data;
        const found = /http:\/\/\S+\?token=\S+/.exec(text);
        if (found) resolve(found[0]);
      });
    });
  });
  after(() => {
    viewer?.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  it('shows a retried call from the list to the answer, and copies it as OTLP', async () => {
    const { page, complaints } = await openUrl(url);
    try {
      await page.waitForURL((url) => !url.href.includes('token'));
      const [row = ''] = await rowTexts(page);
      assert.match(row, /^✔\ufe0e completed .* chat_turn c-real gpt-5 429 200 /);
      await page.keyboard.press('j');
      await page.keyboard.press('Enter');
      await page
        .getByText(/Completed: attempt 2 was answered in full \(stop\), after 429 and .* of waiting\./)
        .waitFor();
      assert.match((await page.locator('.wait-label').allInnerTexts()).join(), /^asked 30 ms, waited \d/);
      await page.keyboard.press('2');
      await page.getByText('request body: as in attempt 1').waitFor();
      assert.match(await page.getByRole('region', { name: 'response body' }).innerText(), /Lisbon/);
      assert.match(await page.locator('.conversation').innerText(), /Where should I go\?[\s\S]*Lisbon/);
      await page.getByText('Copy run').click();
      await page.getByRole('button', { name: 'as OTLP' }).click();
      await page.getByText('Copied as OTLP').waitFor();
      const { resourceSpans } = JSON.parse(await clipboard(page)) as {
        resourceSpans: { scopeSpans: { spans: { name: string }[] }[] }[];
      };
      const names = resourceSpans.flatMap(({ scopeSpans }) =>
        scopeSpans.flatMap(({ spans }) => spans.map(({ name }) => name)),
      );
      assert.deepEqual(names.sort(), ['chat gpt-5', 'invoke_workflow chat_turn']);
      assert.deepEqual(complaints, []);
    } finally {
      await page.context().close();
    }
  });
});

async function recordTo(file: string): Promise<void> {
  const processor = new RuntraceSpanProcessor({ exporter: new OTLPFileExporter({ path: file }) });
  const tracerProvider = new NodeTracerProvider({ spanProcessors: [processor] });
  const recorder = createRecorder({ tracerProvider, capture: 'content' });
  tracerProvider.register();
  const provider = await startProvider();
  provider.script('gpt-5', status(429, { retryAfterMillis: 30 }), ok({ text: 'Lisbon.' }));
  const openai = new OpenAI({ apiKey: 'none', baseURL: `${provider.url}/v1`, fetch: wrapFetch(fetch) });
  const messages = [{ role: 'user' as const, content: 'Where should I go?' }];
  await recorder.run({ kind: 'chat_turn', conversationId: 'c-real' }, () =>
    openai.chat.completions.create({ model: 'gpt-5', messages }),
  );
  await tracerProvider.shutdown();
  await provider.close();
}
