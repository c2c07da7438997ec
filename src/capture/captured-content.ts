import type { Attributes, AttributeValue } from '@opentelemetry/api';
import { sendable } from '../otel/attribute-value.js';
import { report } from '../util/diagnostics.js';
import type { CaptureSettings } from './levels.js';
import { MAX_TEXT_BYTES, type Redactor } from './redact/redactor.js';
import { bound } from './redact/truncation.js';

export type Redacting = Pick<CaptureSettings, 'redactor'>;

/** Redacts free text and cuts it to the limit. */
export function keptText(text: string, { redactor }: Redacting): string {
  return bounded(redactor.text(text));
}

/** Cuts a redacted text to the limit, and reports that. */
export function bounded(text: string): string {
  // No character takes more than three bytes.
  if (text.length <= MAX_TEXT_BYTES / 3) return text;
  const { text: kept, truncatedBytes } = bound(
    [{ head: '', body: text, tail: '', jsonDepth: undefined }],
    MAX_TEXT_BYTES,
  );
  if (truncatedBytes > 0) report('a text was longer than 65536 bytes; it was truncated');
  return kept;
}

/** Copies attributes of the application or of another library: names and texts redacted, texts cut to the limit. */
export function keptAttributes(attributes: Attributes | undefined, { redactor }: Redacting): Attributes {
  const kept: Attributes = {};
  for (const name in attributes) {
    const value = keptValue(name, attributes[name], redactor);
    if (value !== undefined) kept[redactor.name(name)] = value;
  }
  return kept;
}

/** Redacts and cuts the values of runtrace's own attributes in place. Their names are constants, so they hold no secret. */
export function keepValues(attributes: Attributes, { redactor }: Redacting): Attributes {
  for (const name in attributes) {
    const value = keptValue(name, attributes[name], redactor);
    if (value !== undefined) attributes[name] = value;
    else delete attributes[name];
  }
  return attributes;
}

export function keptValue(name: string, value: unknown, redactor: Redactor): AttributeValue | undefined {
  // Most values are numbers, and need nothing of what follows.
  if (Number.isInteger(value) && Math.abs(value as number) < 2 ** 53) return value as number;
  if (Array.isArray(value)) return keptList(name, value, redactor);
  const kept = keptItem(name, value, redactor);
  return kept == null ? undefined : sendable(kept);
}

/** In a function of its own, because what a closure refers to is stored anew at each call of the function that it is in. */
function keptList(name: string, list: readonly unknown[], redactor: Redactor): AttributeValue {
  return sendable(list.map((item) => keptItem(name, item, redactor)) as string[]);
}

function keptItem(name: string, value: unknown, redactor: Redactor): string | number | boolean | null | undefined {
  switch (typeof value) {
    case 'string':
      return bounded(redactor.attribute(name, value));
    case 'number':
    case 'boolean':
      return value;
    default:
      if (value != null)
        report('an attribute that is neither a text, a number, a boolean nor a list of them was left out');
      return value === null ? null : undefined;
  }
}
