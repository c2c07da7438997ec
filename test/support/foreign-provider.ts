/** A tracer provider of another vendor: it implements the OpenTelemetry API and nothing more. */
import {
  type Attributes,
  type AttributeValue,
  type Context,
  context,
  type Exception,
  type HrTime,
  type Link,
  type Span,
  type SpanContext,
  type SpanOptions,
  type SpanStatus,
  SpanStatusCode,
  type TimeInput,
  type Tracer,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';

/** A provider, and what it was told. */
export class ForeignProvider implements TracerProvider {
  /** In order of their ends. */
  readonly ended: ForeignSpan[] = [];
  /** What no caller of the API should do. */
  readonly violations: string[] = [];
  readonly #isRecording: boolean;

  constructor(isRecording = true) {
    this.#isRecording = isRecording;
  }

  getTracer(): Tracer {
    const startSpan = (name: string, options: SpanOptions = {}, ctx: Context = context.active()) =>
      new ForeignSpan(this, name, options, options.root ? undefined : trace.getSpanContext(ctx), this.#isRecording);
    return {
      startSpan,
      startActiveSpan: (name: string, ...args: unknown[]) => {
        const fn = args.pop() as (span: Span) => never;
        const [options, ctx = context.active()] = args as [SpanOptions?, Context?];
        const span = startSpan(name, options, ctx);
        return context.with(trace.setSpan(ctx, span), () => fn(span));
      },
    };
  }
}

let lastId = 0;
const hex = (length: number) => (++lastId).toString(16).padStart(length, '0');

/** A span as its backend would keep it: a status is what was set last, as the API's own rules are none of its business. */
export class ForeignSpan implements Span {
  name: string;
  readonly attributes: Record<string, AttributeValue | undefined>;
  readonly events: { name: string; attributes: Attributes; time: TimeInput | undefined }[] = [];
  readonly links: Link[];
  readonly parent: SpanContext | undefined;
  readonly startTime: TimeInput | undefined;
  endTime: TimeInput | undefined;
  status: SpanStatus = { code: SpanStatusCode.UNSET };
  readonly #provider: ForeignProvider;
  readonly #context: SpanContext;
  #isRecording: boolean;
  #isEnded = false;

  constructor(
    provider: ForeignProvider,
    name: string,
    options: SpanOptions,
    parent: SpanContext | undefined,
    isRecording: boolean,
  ) {
    this.#provider = provider;
    this.name = name;
    this.parent = parent;
    this.attributes = { ...options.attributes };
    this.links = options.links ?? [];
    this.startTime = options.startTime;
    this.#isRecording = isRecording;
    this.#context = { traceId: parent?.traceId ?? hex(32), spanId: hex(16), traceFlags: Number(isRecording) };
  }

  spanContext(): SpanContext {
    return this.#context;
  }

  setAttribute(key: string, value: AttributeValue): this {
    return this.setAttributes({ [key]: value });
  }

  setAttributes(attributes: Attributes): this {
    this.#write('an attribute was set');
    for (const [name, value] of Object.entries(attributes)) {
      if (value == null || (typeof value === 'object' && !Array.isArray(value))) {
        this.#provider.violations.push(`${this.name}: ${name} is no attribute value: ${value}`);
      }
    }
    Object.assign(this.attributes, attributes);
    return this;
  }

  addEvent(name: string, attributesOrTime?: Attributes | TimeInput, time?: TimeInput): this {
    this.#write('an event was added');
    this.events.push({ name, attributes: attributesOrTime as Attributes, time });
    return this;
  }

  addLink(link: Link): this {
    return this.addLinks([link]);
  }

  addLinks(links: Link[]): this {
    this.links.push(...links);
    return this;
  }

  setStatus(status: SpanStatus): this {
    this.#write('a status was set');
    this.status = status;
    return this;
  }

  updateName(name: string): this {
    this.#write('a name was set');
    this.name = name;
    return this;
  }

  end(time?: TimeInput): void {
    this.#write('it was ended');
    if (!this.#isRecording) return;
    this.#isEnded = true;
    this.#isRecording = false;
    this.endTime = time;
    this.#provider.ended.push(this);
  }

  isRecording(): boolean {
    return this.#isRecording;
  }

  recordException(_exception: Exception): void {
    this.#write('an exception was recorded');
  }

  #write(what: string): void {
    if (this.#isEnded) this.#provider.violations.push(`${this.name}: ${what} after its end`);
  }
}

/** Milliseconds of a time that was given as `HrTime`. */
export function toMillis(time: TimeInput | undefined): number {
  const [seconds, nanos] = time as HrTime;
  return seconds * 1000 + nanos / 1e6;
}
