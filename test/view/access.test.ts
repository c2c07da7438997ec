import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { describe, test } from 'node:test';
import { startViewerOfBlock, type ViewerProcess } from '../support/viewer.js';
import { request, runSpan } from './otlp.js';

interface Answer {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  body: string;
}

/** `fetch` does not let a program choose its Host. */
function ask(url: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(url, { method: body === undefined ? 'GET' : 'POST', headers }, (incoming) => {
      let text = '';
      incoming.on('data', (chunk) => {
        text += chunk;
      });
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text }));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

describe('who may ask the viewer', () => {
  let viewer: ViewerProcess;
  startViewerOfBlock((started) => {
    viewer = started;
  });

  test('without the token there is a page in plain words, and no data', async () => {
    const page = await ask(viewer.origin);
    assert.equal(page.status, 403);
    assert.match(page.body, /Open the link that "runtrace view" printed/);
    for (const path of ['/api/runs', '/api/events', `/api/runs/${'a'.repeat(32)}`, '/api/runs?token=wrong']) {
      assert.equal((await ask(viewer.origin + path)).status, 403, path);
    }
  });

  test('the token of the link is a cookie of this port afterwards, which no script reads and no other site sends', async () => {
    const page = await ask(viewer.pageUrl);
    const [cookie = ''] = page.headers['set-cookie'] ?? [];
    assert.match(cookie, new RegExp(`^runtrace-view-${new URL(viewer.origin).port}=`));
    assert.match(cookie, /HttpOnly; SameSite=Strict/);
    const { status } = await ask(`${viewer.origin}/api/runs`, { cookie: cookie.split(';')[0] as string });
    assert.equal(status, 200);
  });

  test('a foreign name that leads to this machine is refused, with the token too, and OTLP as well', async () => {
    for (const host of [
      'evil.example',
      `evil.example:${new URL(viewer.origin).port}`,
      '127.0.0.1.evil.example',
      '[::2]',
    ]) {
      const { status } = await ask(viewer.pageUrl, { host });
      assert.ok(status === 403 || status === 400, `${host}: ${status}`);
    }
    const json = { host: 'evil.example', 'content-type': 'application/json' };
    assert.equal((await ask(`${viewer.origin}/v1/traces`, json, JSON.stringify(request(runSpan())))).status, 403);
  });

  test('a page of another site is refused, by its Origin and by what the browser says of it', async () => {
    const body = JSON.stringify(request(runSpan()));
    for (const headers of [
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { origin: 'http://127.0.0.1:1' },
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
      { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' },
    ]) {
      const all = { 'content-type': 'application/json', ...headers } as Record<string, string>;
      assert.equal((await ask(`${viewer.origin}/v1/traces`, all, body)).status, 403, JSON.stringify(headers));
      assert.equal(
        (await ask(`${viewer.origin}/api/runs?token=${viewer.token}`, all)).status,
        403,
        JSON.stringify(headers),
      );
    }
    assert.deepEqual((await viewer.runs()).runs, []);
  });

  test('its own page is answered', async () => {
    const headers = { origin: viewer.origin, 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' };
    assert.equal((await ask(`${viewer.origin}/api/runs?token=${viewer.token}`, headers)).status, 200);
  });

  test('no answer allows another site to read it, and each has a policy without inline script', async () => {
    for (const url of [
      viewer.origin,
      viewer.pageUrl,
      `${viewer.origin}/api/runs?token=${viewer.token}`,
      `${viewer.origin}/v1/traces`,
    ]) {
      const { headers } = await ask(url, { origin: viewer.origin });
      const cors = Object.keys(headers).filter((name) => name.startsWith('access-control-'));
      assert.deepEqual(cors, [], url);
      assert.match(String(headers['content-security-policy']), /default-src 'none'; script-src 'self';/);
      assert.doesNotMatch(String(headers['content-security-policy']), /unsafe/);
      assert.equal(headers['x-content-type-options'], 'nosniff');
    }
    const preflight = await fetch(`${viewer.origin}/v1/traces`, { method: 'OPTIONS' });
    assert.equal(preflight.status, 405);
  });

  test('no request names a file of the disk', async () => {
    for (const path of [
      '/assets/../../package.json',
      '/assets/%2e%2e/%2e%2e/package.json',
      '/assets/..\\..\\package.json',
      '//etc/passwd',
    ]) {
      const { status, body } = await ask(`${viewer.origin}${path}`, { authorization: `Bearer ${viewer.token}` });
      assert.doesNotMatch(body, /"name":|root:/);
      assert.notEqual(status, 500);
    }
  });

  test('it listens on this machine only', async () => {
    const { networkInterfaces } = await import('node:os');
    const { port } = new URL(viewer.origin);
    const others = Object.values(networkInterfaces())
      .flatMap((list) => list ?? [])
      .filter(({ internal, family }) => !internal && family === 'IPv4');
    for (const { address } of others) await assert.rejects(fetch(`http://${address}:${port}`));
  });
});
