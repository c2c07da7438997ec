import { REDACTED } from '../edits.js';
import type { Policy } from '../policy.js';
import { findSecrets } from '../text/find-secrets.js';
import type { RedactedBody } from '../truncation.js';
import { redactString } from './json.js';

/** Characters that a form percent-encodes. */
const NOT_IN_A_FORM = /[\s<>"{}\\^`|]/;

/**
 * Redacts a form, `a=1&b=2`: fields by name, and all values by shape. A pair that is cut is dropped. `undefined` if the text is no form.
 */
export function redactForm(text: string, policy: Policy, isCut: boolean): RedactedBody | undefined {
  const source = text.trim();
  if (NOT_IN_A_FORM.test(source)) return undefined;
  const pairs = source.split('&');
  const dropped = isCut ? (pairs.pop() ?? '').length : 0;
  const pieces = pairs.map((pair, index) => ({
    head: '',
    body: redactPair(pair, policy),
    tail: index === pairs.length - 1 ? '' : '&',
    jsonDepth: undefined,
  }));
  return { pieces, unread: dropped };
}

function redactPair(pair: string, policy: Policy): string {
  const equals = pair.indexOf('=');
  if (equals === -1) return redactEncoded(pair, undefined, policy);
  const encodedName = pair.slice(0, equals);
  const name = decode(encodedName);
  const value = pair.slice(equals + 1);
  const keptName = name === undefined || findSecrets(name, policy).length > 0 ? REDACTED : encodedName;
  if (value === '') return `${keptName}=`;
  const isSecret = name === undefined || policy.isSecretParameter(name);
  return `${keptName}=${isSecret ? REDACTED : redactEncoded(value, name, policy)}`;
}

function redactEncoded(encoded: string, name: string | undefined, policy: Policy): string {
  const value = decode(encoded);
  if (value === undefined) return REDACTED;
  const redacted = redactString(value, name, policy);
  return redacted === value ? encoded : encodeURIComponent(redacted);
}

function decode(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
