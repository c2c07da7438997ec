import type { Attributes, AttributeValue } from '@opentelemetry/api';
import { sendable } from '../../otel/attribute-value.js';
import { copySpanWith, type ReadableSpan } from './span.js';

/** The span with values that OTLP can hold: one number that it can't, on anybody's span, and a collector refuses the whole request. */
export function sendableSpan(span: ReadableSpan): ReadableSpan {
  const attributes = sendableAttributes(span.attributes);
  const events = span.events.map(sendableEvent);
  const isSame = attributes === span.attributes && events.every((event, index) => event === span.events[index]);
  return isSame ? span : copySpanWith(span, { attributes, events });
}

function sendableEvent(event: ReadableSpan['events'][number]): ReadableSpan['events'][number] {
  const attributes = event.attributes && sendableAttributes(event.attributes);
  return !attributes || attributes === event.attributes ? event : { ...event, attributes };
}

/** The very same attributes where nothing is wrong with them, which is nearly always. */
function sendableAttributes<A extends object>(attributes: A): A {
  let mended: Attributes | undefined;
  for (const key in attributes) {
    const value = (attributes as Attributes)[key] as AttributeValue;
    const kept = sendable(value);
    if (kept !== value) mended = { ...(mended ?? attributes), [key]: kept };
  }
  return (mended as A | undefined) ?? attributes;
}
