import type { MeterProvider } from '@opentelemetry/api';
import * as names from '../otel/names.js';

/** How many spans, and how large they are. */
export interface Amount {
  spans: number;
  /** The size as OTLP JSON, estimated. */
  bytes: number;
}

const COUNTED = [
  'taken',
  'sent',
  'retried',
  'split',
  'truncated',
  'spooled',
  'replayed',
  'rejected',
  'dropped',
] as const;

/** The name of a counter. */
export type Counted = (typeof COUNTED)[number];

/**
 * How many spans took which way, since the exporter was made. Every span that was `taken` is `sent`, `spooled`, `dropped` or
 * still `held`; every one that was `spooled` (or found on disk at the start) is `replayed`, `dropped` or still on disk.
 *
 * | | |
 * |---|---|
 * | `taken` | came in |
 * | `sent` | delivered from memory |
 * | `retried` | failed and tried again; one span may count several times |
 * | `split` | were in a request that the endpoint called too large |
 * | `truncated` | too large by themselves: the ends of their longest texts were cut; `bytes` is how much |
 * | `spooled` | went to disk |
 * | `replayed` | delivered from disk |
 * | `rejected` | refused by the endpoint for good, as a whole request or in a partial success; `dropped` as well, unless the spool keeps them |
 * | `dropped` | lost |
 * | `held` | in memory at this moment |
 */
export type ExporterStats = Record<Counted | 'held', Amount>;

export class Counts {
  readonly #amounts = Object.fromEntries(COUNTED.map((name) => [name, { spans: 0, bytes: 0 }])) as Record<
    Counted,
    Amount
  >;

  add(name: Counted, spans: number, bytes: number): void {
    this.#amounts[name].spans += spans;
    this.#amounts[name].bytes += bytes;
  }

  spans(name: Counted): number {
    return this.#amounts[name].spans;
  }

  snapshot(held: Amount): ExporterStats {
    return structuredClone({ ...this.#amounts, held });
  }
}

/** The sum of the stats of several destinations. */
export function sumOf(all: readonly ExporterStats[]): ExporterStats {
  const sum = new Counts().snapshot({ spans: 0, bytes: 0 });
  for (const stats of all) {
    for (const name of [...COUNTED, 'held'] as const) {
      sum[name].spans += stats[name].spans;
      sum[name].bytes += stats[name].bytes;
    }
  }
  return sum;
}

/** Reports the stats as OpenTelemetry metrics, whenever the application's meter provider collects. */
export function observeStats(meterProvider: MeterProvider, stats: ReadonlyMap<string, () => ExporterStats>): void {
  const meter = meterProvider.getMeter('runtrace');
  const spans = meter.createObservableCounter(names.METRIC_EXPORTER_SPANS, {
    unit: '{span}',
    description: 'Spans by outcome',
  });
  const bytes = meter.createObservableCounter(names.METRIC_EXPORTER_BYTES, {
    unit: 'By',
    description: 'Bytes of spans, estimated, by outcome',
  });
  const held = meter.createObservableGauge(names.METRIC_EXPORTER_HELD, {
    unit: 'By',
    description: 'Bytes of spans in memory, estimated',
  });
  meter.addBatchObservableCallback(
    (result) => {
      for (const [destination, read] of stats) {
        const { held: now, ...counted } = read();
        result.observe(held, now.bytes, { [names.EXPORTER_DESTINATION]: destination });
        for (const [outcome, amount] of Object.entries(counted)) {
          const attributes = { [names.EXPORTER_DESTINATION]: destination, [names.EXPORTER_OUTCOME]: outcome };
          result.observe(spans, amount.spans, attributes);
          result.observe(bytes, amount.bytes, attributes);
        }
      }
    },
    [spans, bytes, held],
  );
}
