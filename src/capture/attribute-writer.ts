import type { Attributes, AttributeValue, Span } from '@opentelemetry/api';
import { keptAttributes, keptValue, type Redacting } from './captured-content.js';
import type { Redactor } from './redact/redactor.js';

/** Writes the attributes of one span, as they may be kept. */
export class AttributeWriter {
  readonly #span: Span;
  readonly #redactor: Redactor;
  /** What the span began with. */
  readonly #begun: Attributes;
  /** What others add, as far as runtrace doesn't say otherwise. */
  readonly #others: Attributes | undefined;

  constructor(span: Span, begun: Attributes, others: Attributes | undefined, { redactor }: Redacting) {
    this.#span = span;
    this.#redactor = redactor;
    this.#begun = begun;
    this.#others = others && keptAttributes(others, { redactor });
  }

  /** Writes once more what the span began with under `name`: another component may have written to the span meanwhile. */
  writeAgain(name: string): void {
    const value = this.#begun[name];
    if (value !== undefined) this.#span.setAttribute(name, value);
  }

  /** Writes what may hold a secret, and returns what was kept of it. */
  keep(name: string, value: AttributeValue | null | undefined): AttributeValue | undefined {
    if (value == null) return undefined;
    const kept = keptValue(name, value, this.#redactor);
    if (kept !== undefined) this.write(name, kept);
    return kept;
  }

  /** Writes what is kept as it is. */
  write(name: string, value: AttributeValue): void {
    if (this.#others !== undefined && Object.hasOwn(this.#others, name)) delete this.#others[name];
    this.#span.setAttribute(name, value);
  }

  /** Writes what others add. It comes last, because the SDK keeps the first 128 names. */
  end(): void {
    for (const name in this.#others) {
      if (!Object.hasOwn(this.#begun, name)) this.#span.setAttribute(name, this.#others[name] as AttributeValue);
    }
  }
}
