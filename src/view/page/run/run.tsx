import { useEffect } from 'preact/hooks';
import * as names from '../../../otel/names.js';
import type { RunDetail, SpanNode } from '../../model.js';
import { CompareAttempts } from '../compare/attempts.js';
import { route as currentRoute, listHash, open, type RunRoute, replace } from '../data/route.js';
import { readOtlp, useRunDetail } from '../data/run-detail.js';
import { hello } from '../data/runs.js';
import { markedRun } from '../list/marked-run.js';
import { announce } from '../parts/announce.js';
import { CopyMenu } from '../parts/copy.js';
import { Facts } from '../parts/facts.js';
import { fullTime, tokens } from '../parts/format.js';
import { useKeys } from '../parts/keys.js';
import { Status, shownStatus } from '../parts/status.js';
import { useNow } from '../parts/surroundings.js';
import { Step } from '../step/step.js';
import { costOf, dollars } from './cost.js';
import { Legend, OffAxisNote } from './legend.js';
import { causeOf, rangeOf } from './spans.js';
import { totalsOf } from './totals.js';
import { TotalsBar } from './totals-bar.js';
import { spanRowId, Waterfall } from './waterfall.js';

/** The page of one run. */
export function Run({ route }: { route: RunRoute }) {
  const state = useRunDetail(route.traceId);
  return state.is === 'loaded' ? <LoadedRun detail={state.detail} route={route} /> : <NoRun says={SAYS[state.is]} />;
}

function NoRun({ says }: { says: string }) {
  useKeys({ Escape: goToList });
  return (
    <main class="run">
      <h1 class="unseen">Run</h1>
      <p class="empty">{says}</p>
    </main>
  );
}

const SAYS = {
  loading: 'Reading the run…',
  gone: 'The viewer has no such run: it has left memory, or never arrived.',
  failed: 'The viewer does not answer.',
};

function goToList(): void {
  location.hash = listHash.value;
}

function LoadedRun({ detail, route }: { detail: RunDetail; route: RunRoute }) {
  const { row, spans } = detail;
  // What lost contact stands still: nothing is known about it any more.
  const now = useNow(row.status === 'in_progress' && !row.lostContact);
  const range = rangeOf(detail, now);
  const selected = spans.find(({ spanId }) => spanId === route.spanId) ?? causeOf(detail);
  useEffect(() => {
    document.title = `${row.kind ?? row.name} · runtrace`;
  }, [row]);

  // Keys may come faster than the page is drawn: the URL is ahead of `selected`.
  const move = (by: number) => {
    const { value } = currentRoute;
    const selectedNow = spans.findIndex(({ spanId }) => value.page === 'run' && spanId === value.spanId);
    const from = selectedNow >= 0 ? selectedNow : selected ? spans.indexOf(selected) : -1;
    select(spans[Math.min(spans.length - 1, Math.max(0, from + by))]);
  };
  const select = (span: SpanNode | undefined) =>
    span && replace({ page: 'run', traceId: row.traceId, spanId: span.spanId });
  const show = (more: Pick<RunRoute, 'attempt' | 'versus'>) =>
    selected && open({ page: 'run', traceId: row.traceId, spanId: selected.spanId, ...more });
  const openAttempt = (number: number | undefined) => show(number === undefined ? {} : { attempt: number });
  const compareAttempts = () => {
    const numbers = selected?.attempts.map(({ number }) => number) ?? [];
    const second = route.attempt ?? numbers.at(-1);
    const first = numbers[numbers.indexOf(second as number) - 1] ?? numbers.find((number) => number !== second);
    if (second === undefined || first === undefined) return announce('The span has no two attempts to compare');
    show({ attempt: first, versus: second });
  };
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    Enter: () => document.getElementById('step')?.focus(),
    c: compareAttempts,
    ...Object.fromEntries(
      (selected?.attempts ?? [])
        .filter(({ number }) => number <= 9)
        .map(({ number }) => [String(number), () => openAttempt(route.attempt === number ? undefined : number)]),
    ),
    Escape: () => {
      if (route.versus !== undefined || route.attempt !== undefined) return history.back();
      if (document.activeElement?.closest('#step')) return document.querySelector<HTMLElement>('.waterfall')?.focus();
      goToList();
    },
  });
  useEffect(() => {
    if (selected) document.getElementById(spanRowId(selected))?.scrollIntoView({ block: 'nearest' });
  }, [selected?.spanId]);

  return (
    <main class="run">
      <RunHeading detail={detail} now={now} />
      <Waterfall detail={detail} range={range} selected={selected} now={now} onSelect={select} />
      <Legend detail={detail} />
      <OffAxisNote spans={spans} range={range} />
      {detail.omittedSpans !== undefined && (
        <p class="note">{detail.omittedSpans} more spans are not shown: the run has too many.</p>
      )}
      {selected &&
        (route.attempt !== undefined && route.versus !== undefined ? (
          <CompareAttempts span={selected} numbers={[route.attempt, route.versus]} onClose={() => show({})} />
        ) : (
          <Step
            key={selected.spanId}
            detail={detail}
            span={selected}
            opened={route.attempt}
            now={now}
            onOpen={openAttempt}
            onCompare={(number) =>
              show({
                attempt: Math.min(number, route.attempt ?? number),
                versus: Math.max(number, route.attempt ?? number),
              })
            }
          />
        ))}
    </main>
  );
}

function RunHeading({ detail, now }: { detail: RunDetail; now: number }) {
  const { row, spans, service } = detail;
  const attributes = spans[0]?.attributes ?? {};
  const text = (name: string) => (typeof attributes[name] === 'string' ? attributes[name] : undefined);
  const prices = hello.value?.prices;
  const cost = prices && costOf(detail, prices);
  const totals = totalsOf(detail, now);
  return (
    <header class="run-heading">
      <div class="title">
        <h1>
          <Status of={shownStatus(row)} /> {row.kind ?? row.name}
        </h1>
        <CopyMenu
          label="Copy run"
          items={[
            { name: 'as JSON', text: () => JSON.stringify(detail, null, 2) },
            { name: 'as OTLP', text: () => readOtlp(row.traceId) },
            { name: 'URL', text: () => location.href },
          ]}
        />
        <CompareRun traceId={row.traceId} />
        <JaegerLink traceId={row.traceId} />
      </div>
      <Facts
        of={[
          ['reason', row.reason && <span class="error-text">{row.reason}</span>],
          ['name', row.kind ? row.name : undefined],
          ['conversation', row.conversationId],
          ['user', text(names.USER_ID)],
          ['service', service],
          ['started', fullTime(row.startMillis)],
          ['model', row.models.join(', ')],
          ['tokens', tokens(row.inputTokens, row.outputTokens)],
          [
            'cost by your prices',
            cost && `${dollars(cost.dollars)}${cost.without.length > 0 ? `, without ${cost.without.join(', ')}` : ''}`,
          ],
          ['run', text(names.RUN_ID)],
          ['trace', row.traceId],
        ]}
      />
      {totals && <TotalsBar totals={totals} />}
    </header>
  );
}

/** The first click marks the run, a click on another run's page compares the two. */
function CompareRun({ traceId }: { traceId: string }) {
  const other = markedRun.value;
  if (other === undefined || other === traceId) {
    return (
      <button
        type="button"
        aria-pressed={other === traceId}
        onClick={() => {
          markedRun.value = other === undefined ? traceId : undefined;
          announce(other === undefined ? 'Marked: open another run to compare them' : 'No longer marked');
        }}
      >
        Compare…
      </button>
    );
  }
  return (
    <button
      type="button"
      onClick={() => {
        markedRun.value = undefined;
        open({ page: 'compare', traceIds: [other, traceId] });
      }}
    >
      Compare with the marked run
    </button>
  );
}

/** The only link to elsewhere. Its address is the user's own, and of the trace only the hexadecimal id is in it. */
function JaegerLink({ traceId }: { traceId: string }) {
  const base = hello.value?.jaegerUrl;
  if (!base || !/^https?:\/\//.test(base) || !/^[0-9a-f]{32}$/.test(traceId)) return null;
  return (
    <a href={`${base}/trace/${traceId}`} target="_blank" rel="noreferrer">
      Jaeger ↗
    </a>
  );
}
