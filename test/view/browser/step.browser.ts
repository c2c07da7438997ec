import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import type { RunDetail, SpanNode } from '../../../src/view/model.js';
import { clipboard, onPage } from './browser.js';
import { contentRun, failedRun, givenAttempt, givenRun, givenSpan, interruptedRun, rateLimitedRun } from './given.js';

const stepOf = ({ row, spans }: RunDetail, more = '') => `#/run/${row.traceId}/${spans[1]?.spanId}${more}`;
const flat = (text: string) => text.replaceAll(/\s+/g, ' ').trim();

describe('the page of a step', () => {
  it('says in its first line why the step ended as it did', async () => {
    const unread = givenRun(
      { status: 'interrupted' },
      givenSpan('chat gpt-5', 0, 100, {
        status: 'interrupted',
        attempts: [givenAttempt(1, 0, 100, { status: 'unread' })],
      }),
    );
    const unanswered = givenRun(
      { status: 'error' },
      givenSpan('chat gpt-5', 0, 100, {
        status: 'error',
        attempts: [
          { ...givenAttempt(1, 0, 100), status: 'failed', code: undefined as never, errorType: 'ECONNREFUSED' },
        ],
        attributes: { 'error.type': 'ECONNREFUSED' },
      }),
    );
    const filtered = givenRun(
      {},
      givenSpan('chat gpt-5', 0, 100, {
        attempts: [givenAttempt(1, 0, 100)],
        attributes: { 'gen_ai.response.finish_reasons': ['content_filter'] },
      }),
    );
    const refusal = { name: 'exception', atMillis: 0, attributes: { 'exception.message': 'Slow down, please.' } };
    const quoted = givenRun(
      { status: 'error' },
      givenSpan('chat gpt-5', 0, 100, {
        status: 'error',
        attempts: [givenAttempt(1, 0, 100, { status: 'failed', code: 503, errorMessage: 'Slow down, please.' })],
        otherEvents: [refusal],
      }),
    );
    const foreign = givenRun(
      { status: 'error' },
      givenSpan('GET /', 0, 100, {
        kind: 'other',
        status: 'error',
        statusMessage: 'TimeoutError: too late',
        attributes: { 'error.type': 'TimeoutError' },
      }),
    );
    const expected: [RunDetail, RegExp][] = [
      [quoted, /Failed: attempt 1 was refused with 503 Slow down, please\.$/],
      [foreign, /Failed: TimeoutError: too late\.$/],
      [rateLimitedRun(), /Completed: attempt 3 was answered in full \(stop\), after 429, 429 and 370 ms of waiting\./],
      [failedRun(), /Failed: attempt 3 of 3 was refused with 529 overloaded_error\./],
      [
        interruptedRun(),
        /Interrupted: the caller stopped attempt 1 while it was being answered, 214 ms after its first chunk\./,
      ],
      [unread, /Interrupted: the client never read the answer of attempt 1\./],
      [unanswered, /Failed: attempt 1 got no answer \(ECONNREFUSED\)\./],
      [contentRun(), /Completed, but the answer was cut off at the token limit \(length\)/],
      [filtered, /Completed, but the content filter stopped the answer \(content_filter\)/],
    ];
    for (const [run, sentence] of expected) {
      await onPage([run], stepOf(run), async ({ page }) => {
        const first = page.locator('.step > :first-child');
        await first.waitFor();
        assert.match(await first.innerText(), sentence);
      });
    }
  });

  it('has the attempts as a table', async () => {
    const run = rateLimitedRun();
    await onPage([run], stepOf(run), async ({ page }) => {
      const rows = (await page.locator('.attempts tbody tr').allInnerTexts()).map(flat);
      assert.deepEqual(rows, [
        '▸ 1 +0 ms 429 ✖\ufe0e failed never read 50 ms 84 B 0 B',
        '▸ 2 +186 ms 429 ✖\ufe0e failed 120 ms 136 ms never read 50 ms 84 B 0 B',
        '▸ 3 +470 ms 200 ✔\ufe0e completed 230 ms 234 ms 40 ms 60 ms 21 → 9 84 B 597 B',
      ]);
    });
  });

  it('opens headers and bodies of an attempt by its number', async () => {
    const run = contentRun();
    await onPage([run], stepOf(run), async ({ page }) => {
      await page.keyboard.press('2');
      const response = page.getByRole('region', { name: 'Response', exact: true });
      assert.match(await response.innerText(), /content-type\s+application\/json[\s\S]*"id": "chatcmpl-1"/);
    });
  });

  it('states why something is missing', async () => {
    const content = contentRun();
    await onPage([content], stepOf(content, '?attempt=2'), async ({ page }) => {
      await page.getByText('request body: as in attempt 1').waitFor();
      await page.keyboard.press('1');
      await page.getByText('response body: the client never read it').waitFor();
    });
    const metadata = rateLimitedRun();
    await onPage([metadata], stepOf(metadata, '?attempt=3'), async ({ page }) => {
      await page.getByText('request body: only metadata is captured').waitFor();
      await page.getByText('response body: only metadata is captured').waitFor();
      await page.getByText('input messages: only metadata is captured').waitFor();
    });
    // All headers are recorded, so the bodies could have been.
    const bodiless = rateLimitedRun();
    const attempts =
      bodiless.spans[1]?.attempts.map((it) => ({ ...it, requestHeaders: { 'user-agent': 'app' } })) ?? [];
    const [root, step] = bodiless.spans as [SpanNode, SpanNode];
    const all = { ...bodiless, spans: [root, { ...step, attempts }] };
    await onPage([all], stepOf(all, '?attempt=3'), async ({ page }) => {
      await page.getByText('request body: it was not recorded').waitFor();
      assert.equal(await page.getByText('only metadata is captured').count(), 0);
    });
    const unseen = givenRun({}, givenSpan('chat gpt-5', 0, 100));
    await onPage([unseen], stepOf(unseen), async ({ page }) => {
      await page.getByText('input messages: no HTTP attempt was seen').waitFor();
      await page.getByText('usage: no HTTP attempt was seen, and the application gave none').waitFor();
    });
  });

  it('shows the status history, with what was rejected and what was late', async () => {
    const run = contentRun();
    await onPage([run], stepOf(run), async ({ page }) => {
      const history = (await page.locator('.history li').allInnerTexts()).map(flat);
      assert.deepEqual(history, [
        '+56 ms ✖\ufe0e error 500 accepted',
        '+496 ms ✔\ufe0e completed accepted',
        '+516 ms ■\ufe0e interrupted rejected',
        '+530 ms ✖\ufe0e error Error rejected late: after the span had ended',
      ]);
    });
  });

  it('shows the messages as a conversation, with earlier turns folded and real line breaks', async () => {
    const run = contentRun();
    await onPage([run], stepOf(run), async ({ page }) => {
      const conversation = page.locator('.conversation');
      assert.equal(await conversation.getByText('first question').count(), 0);
      assert.match(
        await conversation.innerText(),
        /second\nquestion[\s\S]*line one\nline two[\s\S]*calls weather \(call_1\)/,
      );
      assert.match(await conversation.innerText(), /the answer was cut off at the token limit \(length\)/);
      await conversation.getByText('2 earlier messages').click();
      await conversation.getByText('first question').waitFor();
      await conversation.getByText('system instructions').click();
      await conversation.getByText('Be brief.').waitFor();
    });
  });

  it('gives each paragraph of a message the direction of its script', async () => {
    const parts = [{ type: 'text', content: '\u0645\u0631\u062d\u0628\u0627 hello\nhello' }];
    const attributes = { 'gen_ai.input.messages': JSON.stringify([{ role: 'user', parts }]) };
    const run = givenRun({}, givenSpan('chat gpt-5', 0, 100, { attributes }));
    await onPage([run], stepOf(run), async ({ page }) => {
      const [arabic, english, second, box] = await page.locator('.conversation pre.text').evaluate((pre) => {
        const range = document.createRange();
        const leftOf = (at: number) => {
          range.setStart(pre.firstChild as Text, at);
          range.setEnd(pre.firstChild as Text, at + 5);
          return range.getBoundingClientRect().left;
        };
        return [leftOf(0), leftOf(6), leftOf(12), pre.getBoundingClientRect().left] as const;
      });
      assert(english < arabic, 'the Arabic word is the first, read from the right');
      assert(Math.abs(second - box) < 2, 'an English paragraph begins at the left');
    });
  });

  it('shows tools, parameters and usage', async () => {
    const run = contentRun();
    await onPage([run], stepOf(run), async ({ page }) => {
      const text = flat(await page.locator('.step').innerText());
      assert.match(text, /tools weather Tells the weather/);
      assert.match(text, /parameters model gpt-5 temperature 0\.5/);
      assert.match(text, /usage input 2,000 output 1,000/);
    });
  });

  it('compares two attempts by c, with what differs marked', async () => {
    const run = contentRun();
    await onPage([run], stepOf(run), async ({ page }) => {
      await page.keyboard.press('c');
      await page.getByRole('heading', { name: 'attempts 1 and 2' }).waitFor();
      await page.waitForURL(/\?attempt=1&versus=2$/);
      assert.match(flat(await page.getByRole('row', { name: /^code/ }).innerText()), /^code ≠ differs 500 200$/);
      assert.match(flat(await page.getByRole('row', { name: /request header x-tag/ }).innerText()), /a'b c$/);
      assert.match(
        await page.getByRole('region', { name: 'request body', exact: true }).innerText(),
        /the same on both sides/,
      );
      await page.keyboard.press('Escape');
      await page.locator('.attempts').waitFor();
    });
  });

  it('copies an attempt as a command for curl that a shell runs as one word after the other, without a key', async () => {
    const run = contentRun();
    await onPage([run], stepOf(run, '?attempt=1'), async ({ page }) => {
      await page.getByText('Copy attempt 1').click();
      await page.getByRole('button', { name: 'as curl' }).click();
      await page.getByText('Copied as curl').waitFor();
      const command = await clipboard(page);
      assert.doesNotMatch(command, /REDACTED/);
      // A shell that has a function in place of curl says which words it gives to curl.
      const script = `OPENAI_API_KEY=sk-mine; curl() { for word in "$@"; do printf '%s\\0' "$word"; done; }; ${command}`;
      const words = execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
      assert.deepEqual(words, [
        '--globoff',
        '--request',
        'POST',
        '--url',
        'https://api.openai.com/v1/chat/completions',
        '--header',
        'content-type: application/json',
        '--header',
        "x-tag: a'b",
        '--header',
        'authorization: Bearer sk-mine',
        '--data-raw',
        run.spans[1]?.attempts[0]?.requestBody,
      ]);
    });
  });

  it('copies JSON, OTLP and the URL', async () => {
    const run = contentRun();
    await onPage([run], stepOf(run), async ({ page }) => {
      const copied = async (menu: string, item: string) => {
        await page.getByText(menu).click();
        await page.getByRole('button', { name: item }).click();
        await page.getByText(`Copied ${item}`).waitFor();
        return clipboard(page);
      };
      assert.deepEqual(JSON.parse(await copied('Copy span', 'as JSON')), run.spans[1]);
      assert.deepEqual(JSON.parse(await copied('Copy run', 'as JSON')), JSON.parse(JSON.stringify(run)));
      assert.deepEqual(JSON.parse(await copied('Copy run', 'as OTLP')), {
        resourceSpans: [{ stubOf: run.row.traceId }],
      });
      assert.equal(await copied('Copy run', 'URL'), page.url());
    });
  });
});

describe('a URL', () => {
  it('leads to the same state in another tab', async () => {
    const [a, b] = [contentRun({ conversationId: 'one' }), failedRun({ from: 2000, conversationId: 'two' })];
    const states: [hash: string, shows: (page: Page) => Locator][] = [
      ['#/?status=error', (page) => page.getByText('1 of 2 runs')],
      [`#/?run=${a.row.traceId}`, (page) => page.locator('[role=row][aria-selected=true]').getByText('one')],
      [stepOf(a, '?attempt=2'), (page) => page.getByText('request body: as in attempt 1')],
      [stepOf(a, '?attempt=1&versus=2'), (page) => page.getByRole('heading', { name: 'attempts 1 and 2' })],
      [`#/compare/${a.row.traceId}/${b.row.traceId}`, (page) => page.getByText('invoke_workflow chat_turn').first()],
    ];
    for (const [hash, shows] of states) {
      await onPage([a, b], hash, async ({ page }) => {
        await shows(page).waitFor();
        assert.ok(page.url().endsWith(hash), page.url());
      });
    }
  });
});

describe('what comes from a trace', () => {
  const HOSTILE =
    '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>javascript:alert(1) https://evil.example/';

  it('is text: nothing of it is run, loaded or made a link', async () => {
    const run = givenRun(
      {
        kind: HOSTILE,
        conversationId: HOSTILE,
        models: [HOSTILE],
        reason: HOSTILE,
        attemptCodes: [HOSTILE],
        status: 'error',
        name: HOSTILE,
      },
      givenSpan(HOSTILE, 0, 100, {
        status: 'error',
        library: HOSTILE,
        attempts: [
          givenAttempt(1, 0, 100, {
            url: `javascript:${HOSTILE}`,
            errorMessage: HOSTILE,
            requestHeaders: { [HOSTILE]: HOSTILE },
            responseBody: HOSTILE,
          }),
        ],
        otherEvents: [{ name: HOSTILE, atMillis: 0, attributes: { [HOSTILE]: HOSTILE } }],
        attributes: {
          [HOSTILE]: HOSTILE,
          'gen_ai.input.messages': JSON.stringify([
            { role: HOSTILE, parts: [{ type: 'uri', uri: HOSTILE }, { type: HOSTILE, content: HOSTILE }, 3, null] },
            null,
            'x',
          ]),
        },
      }),
    );
    for (const hash of ['#/', stepOf(run, '?attempt=1'), `#/compare/${run.row.traceId}/${run.row.traceId}`]) {
      await onPage([run], hash, async ({ page, server }) => {
        const requests: string[] = [];
        page.on('request', (request) => requests.push(request.url()));
        await page.reload();
        await page.locator('main').getByText('evil.example').locator('visible=true').first().waitFor();
        assert(requests.length > 0);
        assert.deepEqual(
          requests.filter((url) => !url.startsWith(server.url)),
          [],
        );
        assert.doesNotMatch(await page.title(), /^owned/);
        const targets = await page
          .locator('a, img, iframe, script')
          .evaluateAll((all) => all.map((it) => it.getAttribute('href') ?? it.getAttribute('src') ?? ''));
        assert.deepEqual(
          targets.filter((target) => !/^(?:#\/|\/assets\/page\.js$)/.test(target)),
          [],
        );
      });
    }
  });

  it('may have any shape', async () => {
    const odd = givenRun(
      { status: 'nonsense' as never, models: [], attemptCodes: [] },
      givenSpan('', Number.NaN, -1e300, {
        attempts: [givenAttempt(1, 100, -100, { status: 'odd' as never })],
        attributes: {
          'gen_ai.input.messages': '{',
          'gen_ai.output.messages': '[[],{"parts":{}}]',
          'gen_ai.response.finish_reasons': 'constructor',
          toString: 1,
        },
      }),
    );
    await onPage([odd], stepOf(odd), async ({ page }) => {
      await page.locator('.step').waitFor();
      await page.getByText('not readable as messages').waitFor();
    });
  });
});
