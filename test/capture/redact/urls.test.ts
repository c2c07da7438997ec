import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRedactor } from '../../../src/capture/redact/redactor.js';

const redactor = createRedactor();

const URLS: readonly [what: string, url: string, kept: string][] = [
  ['user info', 'https://me:pw@example.com/x', 'https://REDACTED:REDACTED@example.com/x'],
  ['a user without a password', 'https://me@example.com', 'https://REDACTED:REDACTED@example.com'],
  ['user info with an @ in it', 'https://me:p@w@example.com/', 'https://REDACTED:REDACTED@example.com/'],
  ['a password with a slash', 'postgres://me:p/w@db:5432/main', 'postgres://REDACTED:REDACTED@db:5432/main'],
  ['user info without a scheme', '//me:pw@example.com/', '//REDACTED:REDACTED@example.com/'],
  [
    'an @ in the path',
    'https://packages.example.com/@anthropic-ai/sdk',
    'https://packages.example.com/@anthropic-ai/sdk',
  ],
  ['a port and an @ in the path', 'http://localhost:8080/@me', 'http://localhost:8080/@me'],
  ['an IPv6 host', 'http://[::1]:8080/@me', 'http://[::1]:8080/@me'],
  [
    'the key of Gemini',
    '/v1beta/models/g:generateContent?key=abc&alt=sse',
    '/v1beta/models/g:generateContent?key=REDACTED&alt=sse',
  ],
  ['encoded names', 'https://a.b/?api%5Fkey=abc', 'https://a.b/?api%5Fkey=REDACTED'],
  [
    'signatures of AWS',
    'https://b.s3.amazonaws.com/o?X-Amz-Date=20260101T000000Z&X-Amz-Credential=a%2Fb&X-Amz-Signature=c&X-Amz-Security-Token=d',
    'https://b.s3.amazonaws.com/o?X-Amz-Date=20260101T000000Z&X-Amz-Credential=REDACTED&X-Amz-Signature=REDACTED&X-Amz-Security-Token=REDACTED',
  ],
  [
    'older signatures',
    '/o?AWSAccessKeyId=a&Signature=b&Expires=1',
    '/o?AWSAccessKeyId=REDACTED&Signature=REDACTED&Expires=1',
  ],
  ['signatures of Google', '/o?X-Goog-Signature=ab&X-Goog-Date=1', '/o?X-Goog-Signature=REDACTED&X-Goog-Date=1'],
  ['signatures of Azure', '/o?sv=2021&sp=r&sig=a%3D&se=2026', '/o?sv=2021&sp=r&sig=REDACTED&se=2026'],
  ['tokens in the fragment', '/cb#access_token=a&state=b', '/cb#access_token=REDACTED&state=b'],
  ['a query in the fragment', '/#/cb?token=a&b=c', '/#/cb?token=REDACTED&b=c'],
  ['a fragment', '/docs#section-2', '/docs#section-2'],
  [
    'counters and versions',
    '/v1?max_tokens=5&api-version=2025-04-01&page_token=x',
    '/v1?max_tokens=5&api-version=2025-04-01&page_token=x',
  ],
  ['an empty value', '/v1?key=&a=1', '/v1?key=&a=1'],
  ['a key in the path', '/v1/sk-proj-abcDEF1234567890/chat', '/v1/REDACTED/chat'],
  ['a key in the path, encoded', '/v1/%22sk-proj-abcDEF1234567890%22/chat', '/v1/REDACTED/chat'],
  [
    'a bot of Telegram',
    'https://api.telegram.org/bot123456789:AAabcdefghijklmnopqrstuvwxyz-012345/x',
    'https://api.telegram.org/REDACTED/x',
  ],
  [
    'a webhook of Slack',
    'https://hooks.slack.com/services/T0AAAAAAA/B0AAAAAAA/abcdefGHIJ0123456789abcd',
    'https://hooks.slack.com/services/REDACTED/REDACTED/REDACTED',
  ],
  ['a long random segment', `/share/${'aB3'.repeat(15)}`, '/share/REDACTED'],
  ['a parameter in the path', '/x;jsessionid=abc;token=abc/y', '/x;jsessionid=REDACTED;token=REDACTED/y'],
  [
    'ids in the path',
    '/v1/threads/thread_abcDEF0123456789abcDEF01/runs',
    '/v1/threads/thread_abcDEF0123456789abcDEF01/runs',
  ],
  [
    'a response id',
    `/v1/responses/resp_${'0123456789abcdef'.repeat(3)}`,
    `/v1/responses/resp_${'0123456789abcdef'.repeat(3)}`,
  ],
  ['a key as a value of another name', '/?q=sk-proj-abcDEF1234567890', '/?q=REDACTED'],
  ['a key as a name', '/?sk-proj-abcDEF1234567890=1&a=2', '/?REDACTED=1&a=2'],
  ['a URL in a URL', '/?next=https%3A%2F%2Fa.b%2F%3Ftoken%3Dabc', '/?next=REDACTED'],
  ['a broken escape', '/?q=%E0%A4%A&token=%E0%A4%A', '/?q=%E0%A4%A&token=REDACTED'],
  ['data', 'data:image/png;base64,iVBORw0KGgo', 'data:image/png;base64,REDACTED'],
  ['a plain one', 'https://api.openai.com/v1/chat/completions', 'https://api.openai.com/v1/chat/completions'],
  ['none', '', ''],
];

for (const [what, url, kept] of URLS) {
  test(`of a URL: ${what}`, () => {
    assert.equal(redactor.url(url), kept);
  });
}
