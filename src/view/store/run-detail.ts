import { encodeAttributes } from '../../exporter/otlp/json.js';
import type { WireRequest, WireSpan } from '../../exporter/otlp/protobuf/wire.js';
import * as names from '../../otel/names.js';
import type { RunDetail, RunRow, SpanNode } from '../model.js';
import { isInProgress, type SpanRecord } from '../receive/span-record.js';
import { eventsOf } from './attempts.js';
import { kindOf, spanStatus, waitOf } from './span-facts.js';
import { defined } from './values.js';

/** The spans of one run as its page shows them. */
export function detailOf(row: RunRow, records: readonly SpanRecord[], omittedSpans: number): RunDetail {
  const service =
    records.find(({ spanId }) => spanId === row.spanId)?.service ?? records.find((it) => it.service)?.service;
  return {
    row,
    ...(service !== undefined && { service }),
    spans: inOrder(records, row.spanId).map(({ record, depth }) => nodeOf(record, depth)),
    ...(omittedSpans > 0 && { omittedSpans }),
  };
}

function nodeOf(record: SpanRecord, depth: number): SpanNode {
  const events = eventsOf(record);
  const cut = { ...record.cut };
  return defined({
    spanId: record.spanId,
    parentSpanId: record.parentSpanId,
    depth,
    kind: kindOf(record),
    name: record.name,
    library: record.library,
    startMillis: record.startMillis,
    endMillis: record.endMillis,
    status: spanStatus(record),
    statusMessage: record.statusMessage,
    attributes: record.attributes,
    cut: Object.keys(cut).length > 0 ? cut : undefined,
    ...events,
    waiting: waitOf(record, events.attempts),
  });
}

interface Placed {
  readonly record: SpanRecord;
  readonly depth: number;
}

/** Parents before their children, siblings by start, the run first. Each span is there once, in circles of parents too. */
function inOrder(records: readonly SpanRecord[], topId: string): Placed[] {
  const sorted = [...records].sort((a, b) => a.startMillis - b.startMillis);
  const ids = new Set(sorted.map(({ spanId }) => spanId));
  const children = new Map<string | undefined, SpanRecord[]>();
  for (const record of sorted) {
    const { parentSpanId } = record;
    const parent = parentSpanId !== undefined && ids.has(parentSpanId) ? parentSpanId : undefined;
    const siblings = children.get(parent);
    if (siblings) siblings.push(record);
    else children.set(parent, [record]);
  }
  const roots = children.get(undefined) ?? [];
  roots.sort((a, b) => Number(b.spanId === topId) - Number(a.spanId === topId));
  const placed: Placed[] = [];
  const seen = new Set<string>();
  // A stack, not recursion: the input decides how deep the tree is.
  const place = (root: SpanRecord) => {
    const pending: Placed[] = [{ record: root, depth: 0 }];
    for (let next = pending.pop(); next; next = pending.pop()) {
      const { record, depth } = next;
      if (seen.has(record.spanId)) continue;
      seen.add(record.spanId);
      placed.push(next);
      for (const child of [...(children.get(record.spanId) ?? [])].reverse())
        pending.push({ record: child, depth: depth + 1 });
    }
  };
  for (const root of roots) place(root);
  // What is left is in a circle: its earliest span stands for its top.
  for (const record of sorted) if (!seen.has(record.spanId)) place(record);
  return placed;
}

/**
 * The trace as one OTLP request, as far as the viewer stores it. Spans in progress are left out, unless `now` says until when they are to
 * be shown.
 */
export function otlpOf(records: readonly SpanRecord[], now: number | undefined): WireRequest {
  return {
    resourceSpans: records
      .flatMap((record) => (isInProgress(record) ? (now === undefined ? [] : shownUntil(record, now)) : record))
      .map((record) => ({
        resource: {
          attributes: encodeAttributes(record.service === undefined ? {} : { 'service.name': record.service }),
        },
        scopeSpans: [{ scope: { name: record.library ?? '' }, spans: [wireOf(record)] }],
      })),
  };
}

function shownUntil(record: SpanRecord, now: number): SpanRecord {
  const endMillis = Math.max(now, record.startMillis);
  return { ...record, endMillis, attributes: { ...record.attributes, [names.STATUS]: 'in_progress' } };
}

function wireOf(record: SpanRecord): WireSpan {
  const { traceId, spanId, parentSpanId, name, kind, startMillis, endMillis, attributes, events } = record;
  return {
    traceId,
    spanId,
    ...(parentSpanId !== undefined && { parentSpanId }),
    name,
    kind: kind ?? 0,
    startTimeUnixNano: nanosOf(startMillis),
    endTimeUnixNano: endMillis === undefined ? '0' : nanosOf(endMillis),
    attributes: encodeAttributes(attributes),
    events: events.map((event) => ({
      timeUnixNano: nanosOf(event.atMillis),
      name: event.name,
      attributes: encodeAttributes(event.attributes),
    })),
    status: { code: record.statusCode ?? 0, ...(record.statusMessage && { message: record.statusMessage }) },
  };
}

/** A millisecond with a fraction holds microseconds, and no more. */
function nanosOf(millis: number): string {
  return (BigInt(Math.round(millis * 1000)) * 1000n).toString();
}
