import { Agent } from 'node:http';
import type { Context, Span } from '@opentelemetry/api';
import { realClock } from '../../exporter/clock.js';
import { encodeRequest } from '../../exporter/otlp/json.js';
import { spanBytes } from '../../exporter/otlp/size.js';
import type { ReadableSpan } from '../../exporter/otlp/span.js';
import { post } from '../../exporter/sender/http/http-request.js';
import { untraced } from '../../otel/root-context.js';
import { unref } from '../../otel/unref.js';
import { StatusPrioritySpanProcessor } from '../../recorder/status-processor.js';
import { markStatusProcessor } from '../../spans/omissions/processor-check.js';
import { report } from '../../util/diagnostics.js';

const COLLECT_MILLIS = 100;
const TIMEOUT_MILLIS = 10_000;
/** What waits to be sent, by an estimate. */
const MOST_BYTES = 32 * 1024 * 1024;
/** A request stays far below what the viewer takes. */
const REQUEST_BYTES = 4 * 1024 * 1024;

/**
 * Applies the status-priority rule and sends the spans to the viewer. It reads no `OTEL_*` variable: those describe the program's own
 * backend, and may hold its key. It tries once: a viewer on the same machine that does not answer has been closed.
 */
export class ViewerSpanProcessor {
  readonly #rule = new StatusPrioritySpanProcessor();
  readonly #url: URL;
  readonly #agent = new Agent({ keepAlive: true });
  #waiting: ReadableSpan[] = [];
  #waitingBytes = 0;
  #sendingBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> = Promise.resolve();

  constructor(viewerUrl: string) {
    this.#url = new URL('/v1/traces', viewerUrl);
    markStatusProcessor(this, true);
    process.on('beforeExit', () => void this.forceFlush());
    // No request can be sent any more. The live channel shows how they ended.
    process.on('exit', () => {
      // What is over is settled before the promise is returned, by its own outcome.
      void this.#rule.forceFlush();
      this.#rule.settleAll();
    });
  }

  onStart(span: Span, parentContext: Context): void {
    this.#rule.onStart(span, parentContext);
  }

  onEnd(span: ReadableSpan): void {
    this.#rule.onEnd(span);
    const bytes = spanBytes(span);
    if (this.#waitingBytes + this.#sendingBytes + bytes > MOST_BYTES) {
      report('the viewer does not keep up; a span was not shown');
      return;
    }
    this.#waiting.push(span);
    this.#waitingBytes += bytes;
    this.#timer ??= unref(setTimeout(() => this.#send(), COLLECT_MILLIS));
  }

  async forceFlush(): Promise<void> {
    await this.#rule.forceFlush();
    this.#send();
    await this.#sending;
  }

  async shutdown(): Promise<void> {
    await this.#rule.shutdown();
    await this.forceFlush();
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const spans = this.#waiting;
    if (spans.length === 0) return;
    this.#waiting = [];
    const bytes = this.#waitingBytes;
    this.#waitingBytes = 0;
    this.#sendingBytes += bytes;
    const sent = this.#sending.then(() => this.#post(spans));
    this.#sending = sent
      .catch((error) => report('the viewer did not take spans', error))
      .then(() => {
        this.#sendingBytes -= bytes;
      });
  }

  async #post(spans: ReadableSpan[]): Promise<void> {
    for (let start = 0; start < spans.length; ) {
      let bytes = 0;
      let end = start;
      while (end < spans.length && (end === start || bytes < REQUEST_BYTES))
        bytes += spanBytes(spans[end++] as ReadableSpan);
      const body = Buffer.from(encodeRequest(spans.slice(start, end)));
      const headers = { 'content-type': 'application/json', 'content-length': body.length };
      const request = { url: this.#url, agent: this.#agent, headers, body, timeoutMillis: TIMEOUT_MILLIS };
      start = end;
      await untraced(() => post(request, realClock));
    }
  }
}
