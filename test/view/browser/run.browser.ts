import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RunDetail, SpanNode } from '../../../src/view/model.js';
import { onPage, rowTexts } from './browser.js';
import { BEGIN, failedRun, givenAttempt, givenRun, givenSpan, interruptedRun, live, rateLimitedRun } from './given.js';

const urlOf = ({ row }: RunDetail) => `#/run/${row.traceId}`;

describe('the page of a run', () => {
  it('shows the attempts of a step as segments on one time axis, split at the first chunk', async () => {
    const run = rateLimitedRun();
    await onPage([run], urlOf(run), async ({ page }) => {
      const segments = page.locator('[role=row] .bar.attempt');
      assert.deepEqual(
        await segments.evaluateAll((all) => all.map(({ className }) => className.replace('bar attempt ', ''))),
        ['before failed', 'before failed', 'before completed', 'after completed'],
      );
      const axis = await page.locator('[role=columnheader].time').boundingBox();
      const last = await segments.nth(3).boundingBox();
      assert(axis && last);
      // The run takes 538 ms; the first chunk of attempt 3 came after 514 ms, its end after 534 ms.
      assert(Math.abs((last.x - axis.x) / axis.width - 514 / 538) < 0.01);
      assert(Math.abs((last.x + last.width - axis.x) / axis.width - 534 / 538) < 0.01);
    });
  });

  it('marks the axis at times that a clock shows', async () => {
    for (const [millis, marks] of [
      [0, /^0$/],
      [600_000, /^0( \d+ min 0 s)+$/],
      [86_400_000, /^0( \d+ h 0 min)+$/],
    ] as const) {
      const run = givenRun({ millis });
      await onPage([run], urlOf(run), async ({ page }) => {
        await page.locator('.tick').first().waitFor();
        assert.match((await page.locator('.tick').allInnerTexts()).join(' '), marks);
      });
    }
  });

  it('tells attempts apart by colour and by pattern', async () => {
    const [completed, failed, stopped] = [rateLimitedRun(), failedRun(), interruptedRun()];
    const looks: { colour: string; pattern: string }[] = [];
    for (const [run, ended] of [
      [completed, 'completed'],
      [failed, 'failed'],
      [stopped, 'aborted'],
    ] as const) {
      await onPage([run], urlOf(run), async ({ page }) => {
        const segment = page.locator(`[role=row] .bar.attempt.${ended}`).first();
        looks.push(
          await segment.evaluate((it) => ({
            colour: getComputedStyle(it).backgroundColor,
            pattern: getComputedStyle(it).backgroundImage,
          })),
        );
      });
    }
    assert.equal(new Set(looks.map(({ colour }) => colour)).size, 3);
    assert.equal(new Set(looks.map(({ pattern }) => pattern)).size, 3);
  });

  it('labels waits with the time that was asked for and the time that was waited', async () => {
    const run = rateLimitedRun();
    await onPage([run], urlOf(run), async ({ page }) => {
      assert.deepEqual(await page.locator('.wait-label').allInnerTexts(), [
        'asked 120 ms, waited 136 ms',
        'asked 230 ms, waited 234 ms',
      ]);
      assert.match(
        await page
          .locator('[role=row] .bar.wait')
          .first()
          .evaluate((it) => getComputedStyle(it).backgroundImage),
        /^linear-gradient\(45deg/,
      );
      const boxes = await page
        .locator('.wait-label')
        .evaluateAll((all) => all.map((it) => it.getBoundingClientRect().toJSON()));
      const [first, second] = boxes;
      assert(first.right <= second.left || first.bottom <= second.top, 'the labels do not cover each other');
    });
  });

  it('nests tools, nested runs and foreign spans', async () => {
    const at = (name: string, depth: number, kind: SpanNode['kind']) =>
      givenSpan(name, depth * 10, 500 - depth * 10, {
        depth,
        kind,
        library: 'some-library',
        attributes: kind === 'run' ? { 'runtrace.run.kind': 'sub_agent' } : {},
      });
    const run = givenRun(
      {},
      at('execute_tool search', 1, 'tool'),
      at('invoke_agent helper', 2, 'run'),
      at('GET /search', 3, 'other'),
    );
    await onPage([run], urlOf(run), async ({ page }) => {
      const levels = await page
        .locator('[role=rowgroup] [role=row]')
        .evaluateAll((rows) => rows.map((row) => Number(row.getAttribute('aria-level'))));
      assert.deepEqual(levels, [1, 2, 3, 4]);
      const lefts = await page
        .locator('[role=rowgroup] [role=row] .name')
        .evaluateAll((names) => names.map((name) => name.getBoundingClientRect().left));
      assert.deepEqual(
        [...lefts].sort((a, b) => a - b),
        lefts,
      );
      const rows = await rowTexts(page);
      assert.match(rows[2] as string, /sub_agent invoke_agent helper/);
      assert.match(rows[3] as string, /GET \/search some-library/);
    });
  });

  it('adds up model, waiting, tools and own code to the duration, where they overlap too', async () => {
    const run = givenRun(
      { millis: 1000 },
      givenSpan('chat gpt-5', 0, 500, {
        attempts: [givenAttempt(1, 0, 200), givenAttempt(2, 300, 500, { waitMillis: 100 })],
      }),
      givenSpan('chat gpt-5', 100, 260, { attempts: [givenAttempt(1, 100, 260)] }),
      givenSpan('execute_tool search', 450, 700, { kind: 'tool' }),
    );
    await onPage([run], urlOf(run), async ({ page }) => {
      const totals = (await page.locator('.totals p').innerText()).replaceAll(/\s+/g, ' ').trim();
      assert.equal(totals, 'model 460 ms + waiting 40 ms + tools 200 ms + own code 300 ms = 1.00 s');
    });
  });

  it('leaves a span whose clock is a day off out of the axis, with what is in it, and says so', async () => {
    const day = 86_400_000;
    const run = givenRun();
    const { spanId } = run.spans[0] as SpanNode;
    const below = (parentSpanId: string, name: string, from: number) =>
      givenSpan(name, from, from + 20, { kind: 'other', parentSpanId });
    const yesterday = below(spanId, 'GET /', 100 - day);
    const tomorrow = below(spanId, 'GET /later', 538 + day);
    const spans = [...run.spans, yesterday, below(yesterday.spanId, 'SELECT', 110 - day), tomorrow];
    await onPage([{ ...run, spans }], urlOf(run), async ({ page }) => {
      const bar = await page.locator('.bar.run').boundingBox();
      const axis = await page.locator('[role=columnheader].time').boundingBox();
      assert.equal(bar?.width, axis?.width);
      assert.deepEqual(await page.locator('.off-axis').allInnerTexts(), [
        '◂ 23 h 59 min before',
        '◂ 23 h 59 min before',
        '24 h 0 min after ▸',
      ]);
      await page.getByText('3 spans outside of the time shown: measured by another clock').waitFor();
    });
  });

  it('shows a run that began long after the span around it', async () => {
    const run = givenRun({ from: 3_600_000 });
    const queued = givenSpan('send', 0, 10, { kind: 'other', depth: 0 });
    const spans = [queued, { ...(run.spans[0] as SpanNode), parentSpanId: queued.spanId, depth: 1 }];
    await onPage([{ ...run, spans }], urlOf(run), async ({ page }) => {
      await page.locator('.bar.run').waitFor();
      assert.equal(await page.locator('.off-axis').count(), 0);
    });
  });

  it('says of a span without an end that it has none', async () => {
    const { endMillis: _, ...endless } = givenSpan('GET /', 4, 4, { kind: 'other', status: 'unknown' });
    const run = givenRun({}, endless);
    await onPage([run], `${urlOf(run)}/${endless.spanId}`, async ({ page }) => {
      await page.getByText('The span was delivered without an end, and does not say how it went.').waitFor();
      assert.match((await rowTexts(page))[1] as string, /^·\ufe0e unknown GET \/ no end starts at 4 ms, no end$/);
    });
  });

  it('has of a run without an end neither a duration nor a sum of times', async () => {
    const { durationMillis: _, ...row } = givenRun().row;
    const { endMillis: __, ...endless } = givenSpan('invoke_workflow chat_turn', 0, 0, { kind: 'run', depth: 0 });
    const run = { row, spans: [endless, givenSpan('chat gpt-5', 4, 534)] };
    await onPage([run], '#/', async ({ page }) => {
      assert.equal(await page.locator('.c-duration').last().innerText(), 'no end');
      await page.keyboard.press('j');
      await page.keyboard.press('Enter');
      await page.locator('.waterfall').waitFor();
      assert.equal(await page.locator('.totals').count(), 0);
    });
  });

  it('has a URL for the selected span and the opened attempt', async () => {
    const run = rateLimitedRun();
    await onPage([run], urlOf(run), async ({ page }) => {
      await page.getByRole('button', { name: 'Attempt 2' }).click();
      await page.waitForURL(/#\/run\/[0-9a-f]{32}\/[0-9a-f]{16}\?attempt=2$/);
      await page.reload();
      await page.getByRole('region', { name: 'Request' }).waitFor();
      await page.goBack();
      await page.getByRole('region', { name: 'Request' }).waitFor({ state: 'detached' });
    });
  });

  it('links to Jaeger only if its URL was given', async () => {
    const run = rateLimitedRun();
    await onPage(
      [run],
      urlOf(run),
      async ({ page }) => {
        const link = page.getByRole('link', { name: 'Jaeger' });
        assert.equal(await link.getAttribute('href'), `http://localhost:16686/trace/${run.row.traceId}`);
      },
      { hello: { jaegerUrl: 'http://localhost:16686' } },
    );
    await onPage([run], urlOf(run), async ({ page }) => {
      assert.equal(await page.getByRole('link', { name: 'Jaeger' }).count(), 0);
    });
  });

  it('shows a cost only by the prices that the user gave', async () => {
    const run = rateLimitedRun();
    await onPage(
      [run],
      urlOf(run),
      async ({ page }) => {
        await page.getByText('cost by your prices').first().waitFor();
        assert.match(await page.locator('.run-heading .facts').innerText(), /cost by your prices\s+\$0\.0030/);
      },
      { hello: { prices: { 'gpt-5': { input: 100, output: 100 } } } },
    );
    await onPage([run], urlOf(run), async ({ page }) => {
      assert.equal(await page.getByText('cost').count(), 0);
      assert.equal(await page.getByText('$').count(), 0);
    });
  });

  it('says that a run is gone', () =>
    onPage([], '#/run/00000000000000000000000000000bad', async ({ page, complaints }) => {
      await page.getByText('it has left memory, or never arrived').waitFor();
      // The browser reports the 404 itself.
      assert.equal(complaints.length, 1);
      (complaints as string[]).length = 0;
    }));
});

describe('a run in progress', () => {
  const begun = () => Date.now() - BEGIN;
  const waiting = (from: number, waitMillis: number): RunDetail => {
    const step = live(
      givenSpan('chat gpt-5', from, from, {
        attempts: [givenAttempt(1, from, from + 50, { status: 'failed', code: 429 })],
        waiting: { sinceMillis: BEGIN + from + 50, askedMillis: waitMillis },
      }),
    );
    return givenRun({ status: 'in_progress', from }, step);
  };

  it('is on the page within half a second, and its current wait with it', () =>
    onPage([], '#/', async ({ page, server }) => {
      const run = waiting(begun() - 60, 5000);
      server.put(run);
      await page.locator('[role=row]').getByText('in progress').waitFor({ timeout: 500 });
      await page.keyboard.press('j');
      await page.keyboard.press('Enter');
      await page.getByText(/In progress: waiting for attempt 2 after 429; asked 5\.00 s, waited .* so far\./).waitFor();
    }));

  it('shows the attempt in flight, the last proposal, and then how it ended', () =>
    onPage([], '#/', async ({ page, server }) => {
      const run = waiting(begun() - 60, 5000);
      const [root, step] = run.spans as [SpanNode, SpanNode];
      server.put(run);
      await page.locator('[role=row]').getByText('in progress').waitFor();
      await page.keyboard.press('j');
      await page.keyboard.press('Enter');
      await page.getByText('waiting for attempt 2').waitFor();
      const { endMillis: _, ...inFlight } = givenAttempt(2, begun(), begun(), { status: 'in_flight' });
      const { waiting: __, ...going } = step;
      const flying: SpanNode = {
        ...going,
        attempts: [...step.attempts, inFlight],
        attributes: { ...step.attributes, 'runtrace.status': 'error', 'error.type': 'rate_limit_error' },
      };
      server.put({ ...run, spans: [root, flying] });
      await page
        .getByText(/attempt 2 is in flight since .*The last proposal is error \(rate_limit_error\)\./)
        .waitFor();
      const over = givenAttempt(2, begun(), begun() + 10);
      const ended: SpanNode = {
        ...going,
        endMillis: Date.now(),
        status: 'completed',
        attempts: [...step.attempts, over],
      };
      server.put({
        row: { ...run.row, status: 'completed', durationMillis: 900, live: false },
        spans: [{ ...root, endMillis: Date.now(), status: 'completed' }, ended],
      });
      await page.getByText('Completed: attempt 2 was answered in full, after 429').waitFor();
    }));

  it('does not say of messages that come later that they will not', async () => {
    const { endMillis: _, ...inFlight } = givenAttempt(1, 0, 0, {
      status: 'in_flight',
      firstChunkMillis: 5,
      requestBody: '{}',
    });
    const run = givenRun({ status: 'in_progress' }, live(givenSpan('chat gpt-5', 0, 0, { attempts: [inFlight] })));
    await onPage([run], urlOf(run), async ({ page }) => {
      await page.getByText('input messages: they come when the step has ended').waitFor();
      const borders = await page
        .locator('.waterfall .bar.attempt')
        .evaluateAll((all) => all.map((it) => getComputedStyle(it).borderRightWidth));
      assert.deepEqual(borders, ['0px', '3px'], 'only the end of the bar is marked as in flight');
    });
  });

  it('has lost contact after silence, which is no error', async () => {
    const run = waiting(begun() - 60_000, 5000);
    const lost = { ...run, row: { ...run.row, lostContact: true } };
    await onPage([lost], '#/', async ({ page }) => {
      assert.match((await rowTexts(page))[0] as string, /^◌\ufe0e lost contact/);
      await page.keyboard.press('j');
      await page.keyboard.press('Enter');
      await page.getByText('Lost contact: the program gives no sign of life').waitFor();
      assert.equal(
        await page.getByText('error', { exact: true }).count(),
        1,
        'only the heading of a column says error',
      );
    });
  });
});
