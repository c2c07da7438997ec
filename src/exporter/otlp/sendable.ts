import type { Attributes, AttributeValue, HrTime } from '@opentelemetry/api';
import { sendable } from '../../otel/attribute-value.js';
import { copySpanWith, type ReadableSpan } from './span.js';

/**
 * The span with values that every exporter can write. OpenTelemetry's JSON exporter writes NaN as `null` and 1e300 as an integer,
 * and receivers refuse the whole request for one of them, on an attribute, an event, a link or the resource. It throws for the time of an
 * invalid `Date`.
 */
export function sendableSpan(span: ReadableSpan): ReadableSpan {
  const attributes = sendableAttributes(span.attributes);
  const startTime = sendableTime(span.startTime, span.endTime);
  const endTime = sendableTime(span.endTime, startTime);
  const events = span.events.map((event) => sendableEvent(event, startTime));
  const links = span.links.map(withSendable);
  const resource = sendableResource(span.resource);
  const isSame =
    attributes === span.attributes &&
    resource === span.resource &&
    startTime === span.startTime &&
    endTime === span.endTime &&
    events.every((event, index) => event === span.events[index]) &&
    links.every((link, index) => link === span.links[index]);
  return isSame ? span : copySpanWith(span, { attributes, events, links, resource, startTime, endTime });
}

/** Whether OTLP has a number for a time. It has none for that of an invalid `Date`, one before 1970, and microseconds given as milliseconds. */
export function isSendableTime([seconds, nanos]: HrTime): boolean {
  const time = seconds * 1e9 + nanos;
  return time >= 0 && time < 2 ** 64;
}

/** The time, or one near to it where it can't be written; 0 if that can't be either. */
export function sendableTime(time: HrTime, near: HrTime): HrTime {
  if (isSendableTime(time)) return time;
  return isSendableTime(near) ? near : [0, 0];
}

function sendableEvent(event: ReadableSpan['events'][number], near: HrTime): ReadableSpan['events'][number] {
  const time = sendableTime(event.time, near);
  return withSendable(time === event.time ? event : { ...event, time });
}

function withSendable<T extends { attributes?: object }>(part: T): T {
  const attributes = part.attributes && sendableAttributes(part.attributes);
  return !attributes || attributes === part.attributes ? part : { ...part, attributes };
}

const resources = new WeakMap<ReadableSpan['resource'], ReadableSpan['resource']>();

/** The same copy for all spans of a resource: serializers group spans by the object. */
function sendableResource(resource: ReadableSpan['resource']): ReadableSpan['resource'] {
  const known = resources.get(resource);
  if (known) return known;
  // Not looked at before its detectors are done: the SDK complains about that.
  if (resource.asyncAttributesPending) return resource;
  const attributes = sendableAttributes(resource.attributes);
  const copy =
    attributes === resource.attributes
      ? resource
      : ({ attributes, schemaUrl: resource.schemaUrl } as ReadableSpan['resource']);
  resources.set(resource, copy);
  return copy;
}

/** The very same attributes if nothing is wrong with them, which is nearly always so. */
function sendableAttributes<A extends object>(attributes: A): A {
  let changed: Attributes | undefined;
  for (const key in attributes) {
    const value = (attributes as Attributes)[key] as AttributeValue;
    const kept = sendable(value);
    if (kept !== value) changed = { ...(changed ?? attributes), [key]: kept };
  }
  return (changed as A | undefined) ?? attributes;
}
