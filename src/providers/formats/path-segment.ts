import { label } from '../../util/json-fields.js';

/** A model's name in a path, as it was before it was encoded; `undefined` if there is none. */
export function modelOfSegment(segment: string | undefined): string | undefined {
  if (segment === undefined) return undefined;
  try {
    return label(decodeURIComponent(segment));
  } catch {
    return label(segment);
  }
}
