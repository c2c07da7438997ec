import type { ComponentChildren } from 'preact';
import { shownMillis } from '../../../util/shown-millis.js';
import type { RunDetail, SpanNode } from '../../model.js';
import { hashOf, listHash } from '../data/route.js';
import { type RunState, useRunDetail } from '../data/run-detail.js';
import { fullTime, millisText, tokens } from '../parts/format.js';
import { useKeys } from '../parts/keys.js';
import { Status, shownStatus, WORDS } from '../parts/status.js';
import { isModelCall } from '../run/spans.js';
import { totalsOf } from '../run/totals.js';
import { conversationOf, type ShownMessage } from '../step/messages.js';
import { attemptAnswer, whyEnded } from '../step/why.js';
import { type Compared, CompareTable, CompareTexts } from './table.js';

/** Two runs side by side: their facts, then their model calls in order. */
export function CompareRuns({ traceIds }: { traceIds: readonly [string, string] }) {
  const [a, b] = [useRunDetail(traceIds[0]), useRunDetail(traceIds[1])];
  useKeys({
    Escape: () => {
      location.hash = listHash.value;
    },
  });
  return (
    <main class="run">
      <h1>Two runs</h1>
      {a.is === 'loaded' && b.is === 'loaded' ? (
        <Tables a={a.detail} b={b.detail} />
      ) : (
        <p class="empty">{missing(a, b)}</p>
      )}
    </main>
  );
}

function missing(...states: RunState[]): string {
  if (states.some(({ is }) => is === 'gone')) return 'One of the runs has left the viewer’s memory, or never arrived.';
  return states.some(({ is }) => is === 'failed') ? 'The viewer does not answer.' : 'Reading the runs…';
}

function Tables({ a, b }: { a: RunDetail; b: RunDetail }) {
  const calls = [a.spans.filter(isModelCall), b.spans.filter(isModelCall)] as const;
  const most = Math.max(calls[0].length, calls[1].length);
  return (
    <>
      <CompareTable
        caption="The two runs"
        heads={[<RunLink detail={a} />, <RunLink detail={b} />]}
        rows={runFacts(a, b)}
      />
      {Array.from({ length: most }, (_, index) => (
        <Calls
          key={calls[0][index]?.spanId ?? calls[1][index]?.spanId}
          number={index + 1}
          a={calls[0][index]}
          b={calls[1][index]}
        />
      ))}
    </>
  );
}

function RunLink({ detail: { row } }: { detail: RunDetail }) {
  return (
    <a href={hashOf({ page: 'run', traceId: row.traceId })}>
      {row.kind ?? row.name} {row.conversationId} {fullTime(row.startMillis)}
    </a>
  );
}

function runFacts(a: RunDetail, b: RunDetail): Compared[] {
  const row = (name: string, of: (detail: RunDetail) => string | undefined): Compared => ({
    name,
    texts: [of(a) ?? '', of(b) ?? ''],
  });
  const totals = new Map([a, b].map((detail) => [detail, totalsOf(detail, Date.now())]));
  const total = (name: 'model' | 'waiting' | 'tools' | 'own') => (detail: RunDetail) =>
    millisText(totals.get(detail)?.[name]);
  const status = (detail: RunDetail): ComponentChildren => <Status of={shownStatus(detail.row)} />;
  return [
    { ...row('status', (detail) => WORDS[shownStatus(detail.row)]), shown: [status(a), status(b)] },
    row('reason', (detail) => detail.row.reason),
    row('kind', (detail) => detail.row.kind),
    row('name', (detail) => detail.row.name),
    row('conversation', (detail) => detail.row.conversationId),
    row('model', (detail) => detail.row.models.join(', ')),
    row('attempts', (detail) => detail.row.attemptCodes.join(' ')),
    row('tokens', (detail) => tokens(detail.row.inputTokens, detail.row.outputTokens)),
    row('duration', (detail) => millisText(detail.row.durationMillis)),
    row('time in the model', total('model')),
    row('time waiting', total('waiting')),
    row('time in tools', total('tools')),
    row('time in own code', total('own')),
  ];
}

function Calls({ number, a, b }: { number: number; a: SpanNode | undefined; b: SpanNode | undefined }) {
  const row = (name: string, of: (span: SpanNode) => string): Compared => ({
    name,
    texts: [a ? of(a) : '', b ? of(b) : ''],
  });
  const text = (span: SpanNode | undefined, side: 'input' | 'output') =>
    span ? (conversationOf(span)[side] ?? []).map(messageText).join('\n\n') : '';
  const input = [text(a, 'input'), text(b, 'input')] as const;
  const output = [text(a, 'output'), text(b, 'output')] as const;
  const heads = [a, b].map((span) => span?.name ?? 'no such call') as [string, string];
  return (
    <section aria-label={`Model call ${number}`}>
      <h2>model call {number}</h2>
      <CompareTable
        caption={`Model call ${number}`}
        heads={heads}
        rows={[
          row('why', (span) => whyEnded(span, Date.now(), false)),
          row('attempts', ({ attempts }) => attempts.map(attemptAnswer).join(' ')),
          row('duration', ({ startMillis, endMillis }) =>
            endMillis === undefined ? '' : shownMillis(endMillis - startMillis),
          ),
        ]}
      />
      {input.some(Boolean) && <CompareTexts title="input messages" texts={input} />}
      {output.some(Boolean) && <CompareTexts title="output messages" texts={output} />}
    </section>
  );
}

function messageText({ role, parts }: ShownMessage): string {
  return [`${role}:`, ...parts.map(({ label, text }) => (label ? `[${label}] ${text}` : text))].join('\n');
}
