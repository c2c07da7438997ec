import type { AttributeValue } from '@opentelemetry/api';

/**
 * The value as OTLP can hold it. Its JSON has no `NaN`, no infinity and no integer of more than 64 bits, and a collector refuses the whole
 * request for one of them: such a number is kept as text.
 */
export function sendable(value: AttributeValue): AttributeValue {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return isSendable(value) ? value : String(value);
  return value.every(isSendable) ? value : value.map(String);
}

function isSendable(value: unknown): boolean {
  return typeof value !== 'number' || (Number.isInteger(value) ? Math.abs(value) < 2 ** 63 : Number.isFinite(value));
}
