import { REDACTED } from '../edits.js';
import { SUSPECT } from '../names.js';
import type { Policy } from '../policy.js';
import type { RedactedBody } from '../truncation.js';
import { textOf } from '../truncation.js';
import { redactString } from './json.js';

/** Redacts a part as a body of its own. */
export type RedactBody = (
  text: string,
  contentType: string | undefined,
  policy: Policy,
  isCut: boolean,
) => RedactedBody | undefined;

const BOUNDARY = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i;
const FIELD_NAME = /;\s*name=(?:"([^"]*)"|([^\s;"]+))/i;
const PART_TYPE = /^content-type:[ \t]*([^\r\n]*)/im;
const FILE_NAME = /;\s*filename\*?=/i;

/**
 * Redacts a multipart body: fields by name, and each part as a body of its own type. Parts that can't be judged are replaced. `undefined` if
 * the text doesn't have the boundary of its content type.
 */
export function redactMultipart(
  text: string,
  contentType: string,
  policy: Policy,
  isCut: boolean,
  redactBody: RedactBody,
): RedactedBody | undefined {
  const match = BOUNDARY.exec(contentType);
  const delimiter = `--${match?.[1] ?? match?.[2]}`;
  if (!match || !text.startsWith(delimiter)) return undefined;
  const parts = `\r\n${text}`.split(`\r\n${delimiter}`).slice(1);
  const isClosed = /^--\s*$/.test(parts.at(-1) ?? '');
  if (!isClosed && !isCut) return undefined;
  const pieces = [];
  for (const [index, part] of (isClosed ? parts.slice(0, -1) : parts).entries()) {
    const isLast = !isClosed && index === parts.length - 1;
    const redacted = redactPart(isLast ? withoutHalf(`\r\n${delimiter}`, part) : part, policy, isLast, redactBody);
    if (!redacted) return undefined;
    pieces.push({ head: delimiter + redacted.head, body: redacted.body, tail: '\r\n', jsonDepth: undefined });
  }
  if (isClosed) pieces.push({ head: `${delimiter}--\r\n`, body: '', tail: '', jsonDepth: undefined });
  return { pieces, unread: 0 };
}

/** Removes the half of a delimiter at the end of a cut text. */
function withoutHalf(delimiter: string, text: string): string {
  for (let length = delimiter.length - 1; length > 0; length--) {
    if (text.endsWith(delimiter.slice(0, length))) return text.slice(0, -length);
  }
  return text;
}

function redactPart(
  part: string,
  policy: Policy,
  isCut: boolean,
  redactBody: RedactBody,
): { head: string; body: string } | undefined {
  const headEnd = part.indexOf('\r\n\r\n');
  if (!part.startsWith('\r\n') || headEnd === -1) return isCut ? { head: '', body: '' } : undefined;
  const head = part.slice(2, headEnd);
  return {
    head: `\r\n${redactString(head, undefined, policy)}\r\n\r\n`,
    body: redactContent(part.slice(headEnd + 4), head, policy, isCut, redactBody),
  };
}

function redactContent(content: string, head: string, policy: Policy, isCut: boolean, redactBody: RedactBody): string {
  const [, quoted, name = quoted] = FIELD_NAME.exec(head) ?? [];
  if (name !== undefined && policy.kind(name) > SUSPECT) return REDACTED;
  const type = PART_TYPE.exec(head)?.[1] ?? (FILE_NAME.test(head) ? 'application/octet-stream' : 'text/plain');
  const body = redactBody(content, type, policy, isCut);
  return body ? body.pieces.map(textOf).join('') : REDACTED;
}
