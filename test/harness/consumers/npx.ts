import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { RunDetail, RunList } from '../../../src/view/model.js';
import { heldProvider } from '../../support/held-provider.js';
import { outputOf } from '../../support/output.js';
import { freePorts } from '../../support/server-process.js';
import { until } from '../../support/until.js';
import { install } from '../matrix/install.js';
import type { Consumer } from './main.js';
import { written } from './process.js';

/** npx downloads what the package needs. */
const PATIENCE_MILLIS = 120_000;

const APP = `import OpenAI from 'openai';
const openai = new OpenAI({ apiKey: 'none', baseURL: process.env.BASE_URL });
const { choices } = await openai.chat.completions.create({ model: 'gpt-5', messages: [{ role: 'user', content: 'Hi' }] });
console.log(choices[0].message.content);
`;

export const NPX: readonly Consumer[] = [
  {
    name: 'npx runtrace view -- node app.js: in a project with nothing but openai',
    packages: [],
    use: async (app, tarball) => {
      // Beside the application, because Node looks for packages in the folders above.
      const folder = await install(join(dirname(app), 'only openai'), ['openai@6']);
      written(folder, { 'app.js': APP });
      assert.deepEqual(packagesIn(folder), ['openai']);
      const cleanUps: (() => unknown)[] = [];
      try {
        const shown = await play(folder, tarball, (cleanUp) => cleanUps.push(cleanUp));
        assert.equal(shown, 'Fine, thanks.\n');
      } finally {
        for (const cleanUp of cleanUps) await cleanUp();
      }
      assert.deepEqual(packagesIn(folder), ['openai']);
    },
  },
];

function packagesIn(folder: string): string[] {
  return readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'));
}

/** Plays the program under npx. Returns what it printed. */
async function play(folder: string, tarball: string, after: (cleanUp: () => unknown) => void): Promise<string> {
  const provider = await heldProvider({ after });
  const { port } = await freePorts('port');
  const args = ['--yes', '--package', tarball, 'runtrace', 'view', '--port', String(port), '--', 'node', 'app.js'];
  const env = { ...process.env, BASE_URL: provider.baseUrl, npm_config_cache: join(dirname(tarball), 'npm-cache') };
  // A group of its own, so that nothing of it goes on if the test fails.
  const child = spawn('npx', args, { cwd: folder, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = outputOf(child);
  const ended = once(child, 'close');
  after(() => {
    if (child.exitCode === null) process.kill(-(child.pid as number), 'SIGKILL');
  });
  const link = () => /http:\/\/\S+\/\?token=\S+/.exec(output.err)?.[0];
  await until(() => link() !== undefined || child.exitCode !== null, PATIENCE_MILLIS);
  const { origin, searchParams, href } = new URL(link() ?? assert.fail(`npx ended: ${output.err}`));
  const headers = { authorization: `Bearer ${searchParams.get('token')}` };
  const ask = async (path: string) => (await fetch(origin + path, { headers })).json();
  const run = async () => ((await ask('/api/runs')) as RunList).runs[0];
  const attempts = async () => {
    const traceId = (await run())?.traceId;
    if (traceId === undefined) return [];
    const { spans } = (await ask(`/api/runs/${traceId}`)) as RunDetail;
    return spans.flatMap((span) => span.attempts.map(({ status, code }) => [status, code]));
  };

  assert.match(await (await fetch(href)).text(), /<script type="module"/);
  await until(async () => (await attempts()).join() === 'in_flight,', PATIENCE_MILLIS);
  await provider.answer(429, { 'retry-after-ms': '500' });
  await until(async () => (await run())?.attemptCodes.join() === '429');
  // The program ends after its answer, and the viewer with it unless a page is open. This is one.
  const page = new AbortController();
  after(() => page.abort());
  const events = await fetch(`${origin}/api/events`, { headers, signal: page.signal });
  await provider.answer();
  await until(async () => (await run())?.status === 'completed');
  assert.deepEqual(await attempts(), [
    ['failed', 429],
    ['completed', 200],
  ]);
  await events.body?.cancel();
  assert.deepEqual(await ended, [0, null]);
  return output.out;
}
