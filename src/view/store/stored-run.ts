import type { WireRequest } from '../../exporter/otlp/protobuf/wire.js';
import type { RunDetail, RunRow } from '../model.js';
import { isInProgress, type SpanRecord } from '../receive/span-record.js';
import { detailOf, otlpOf } from './run-detail.js';
import { rowOf } from './run-row.js';
import { factsOf, kindOf, type SpanFacts } from './span-facts.js';

/** More spans of a trace are counted, and only those of runs are stored. */
const MOST_SPANS = 10_000;
/** What a span and a trace cost beside the bytes of their records: facts, map entries, the row. */
const SPAN_OVERHEAD_BYTES = 700;
const TRACE_OVERHEAD_BYTES = 2000;

interface StoredSpan {
  /** The record as JSON: bytes can be counted, and lie outside of the heap. */
  readonly json: Buffer;
  readonly facts: SpanFacts;
  readonly sequence: number | undefined;
}

/** One trace: a run with everything in it, or spans that no run has claimed yet. */
export class StoredRun {
  readonly traceId: string;
  readonly #spans = new Map<string, StoredSpan>();
  #omittedSpans = 0;
  #bytes = TRACE_OVERHEAD_BYTES;
  #row: RunRow | undefined;
  #rowJson: string | undefined;
  #isCurrent = false;
  #source: object | undefined;
  #hasContact = true;

  constructor(traceId: string) {
    this.traceId = traceId;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** `undefined` if nothing in it belongs to a run. */
  get row(): RunRow | undefined {
    if (!this.#isCurrent) {
      this.#isCurrent = true;
      this.#row = rowOf(
        this.traceId,
        [...this.#spans.values()].map(({ facts }) => facts),
        !this.#hasContact,
      );
      this.#rowJson = this.#row && JSON.stringify(this.#row);
    }
    return this.#row;
  }

  /** The row as JSON, written once. */
  get rowJson(): string | undefined {
    return this.row && this.#rowJson;
  }

  /** Adds a span. One that has ended replaces one in progress, and never the other way round. Returns whether anything changed. */
  add(record: SpanRecord, maxBytes: number): boolean {
    const before = this.#spans.get(record.spanId);
    if (before ? !replaces(record, before) : !this.#hasRoomFor(record, maxBytes)) {
      if (!before) this.#omittedSpans++;
      return false;
    }
    const json = Buffer.from(JSON.stringify(record));
    const facts = factsOf(record);
    this.#bytes += json.length - (before ? before.json.length : -SPAN_OVERHEAD_BYTES);
    this.#spans.set(record.spanId, { json, facts, sequence: record.sequence });
    this.#isCurrent = false;
    return true;
  }

  /** The last span to arrive is the run itself, which the row is about: there is room for it. */
  #hasRoomFor(record: SpanRecord, maxBytes: number): boolean {
    const most = kindOf(record) === 'run' ? 2 * MOST_SPANS : MOST_SPANS;
    return this.#spans.size < most && (this.#bytes < maxBytes || most > MOST_SPANS);
  }

  /** The connection of the program that showed it last. */
  get source(): object | undefined {
    return this.#source;
  }

  /** The program behind `source` shows it: it has contact. */
  shownBy(source: object): void {
    this.#source = source;
    this.setContact(true);
  }

  /** Returns whether that changed the row. */
  setContact(hasContact: boolean): boolean {
    if (this.#hasContact === hasContact) return false;
    this.#hasContact = hasContact;
    this.#isCurrent = false;
    return this.row?.live === true;
  }

  detail(): RunDetail | undefined {
    return this.row && detailOf(this.row, this.#records(), this.#omittedSpans);
  }

  /** `now`: what is in progress is there too, as far as it has come by then. Default: it is left out. */
  otlp(now?: number): WireRequest {
    return otlpOf(this.#records(), now);
  }

  #records(): SpanRecord[] {
    return [...this.#spans.values()].map(({ json }) => JSON.parse(json.toString('utf8')) as SpanRecord);
  }
}

/** Of snapshots, the later one counts. A span that was exported has all there is to say, if it has an end. */
function replaces(record: SpanRecord, before: StoredSpan): boolean {
  if (before.facts.status === 'in_progress') return !isInProgress(record) || isLater(record, before);
  return record.sequence === undefined && (record.endMillis !== undefined || before.facts.endMillis === undefined);
}

function isLater({ sequence = 0 }: SpanRecord, before: StoredSpan): boolean {
  return sequence >= (before.sequence ?? 0);
}
