import { REDACTED } from './edits.js';
import { redactCutString, redactString } from './json.js';
import { SUSPECT } from './names.js';
import type { Policy } from './policy.js';
import type { RedactedBody } from './streams.js';

const BOUNDARY = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i;
const FIELD_NAME = /;\s*name="([^"]*)"/i;
const PART_TYPE = /^content-type:\s*([^;\r\n]*)/im;
const FILE_NAME = /;\s*filename\*?=/i;
const READABLE_TYPE = /^(?:text\/|application\/(?:[\w.+-]*\+)?(?:json|jsonl|x-ndjson|xml|yaml)$)/i;

/**
 * Multipart bodies: secret fields by name, texts and JSON by shape, files that are neither are left out.
 * `undefined` if it doesn't have the form that its content type says.
 */
export function redactMultipart(
  text: string,
  contentType: string,
  policy: Policy,
  isCut: boolean,
): RedactedBody | undefined {
  const match = BOUNDARY.exec(contentType);
  const delimiter = `--${match?.[1] ?? match?.[2]}`;
  if (!match || !text.startsWith(delimiter)) return undefined;
  const parts = `\r\n${text}`.split(`\r\n${delimiter}`).slice(1);
  const isClosed = /^--\s*$/.test(parts.at(-1) ?? '');
  if (!isClosed && !isCut) return undefined;
  const pieces = [];
  for (const [index, part] of (isClosed ? parts.slice(0, -1) : parts).entries()) {
    const redacted = redactPart(part, policy, !isClosed && index === parts.length - 1);
    if (!redacted) return undefined;
    pieces.push({ head: delimiter + redacted.head, body: redacted.body, tail: '\r\n', jsonDepth: undefined });
  }
  if (isClosed) pieces.push({ head: `${delimiter}--\r\n`, body: '', tail: '', jsonDepth: undefined });
  return { pieces, unread: 0 };
}

function redactPart(part: string, policy: Policy, isCut: boolean): { head: string; body: string } | undefined {
  const headEnd = part.indexOf('\r\n\r\n');
  if (!part.startsWith('\r\n') || headEnd === -1) return isCut ? { head: '', body: '' } : undefined;
  const head = part.slice(2, headEnd);
  const name = FIELD_NAME.exec(head)?.[1];
  return {
    head: `\r\n${redactString(head, undefined, policy)}\r\n\r\n`,
    body: redactContent(part.slice(headEnd + 4), head, name, policy, isCut),
  };
}

function redactContent(
  content: string,
  head: string,
  name: string | undefined,
  policy: Policy,
  isCut: boolean,
): string {
  if (name !== undefined && policy.kind(name) > SUSPECT) return REDACTED;
  const type = PART_TYPE.exec(head)?.[1] ?? (FILE_NAME.test(head) ? 'application/octet-stream' : 'text/plain');
  if (!READABLE_TYPE.test(type.trim())) return REDACTED;
  return isCut ? redactCutString(content, name, policy) : redactString(content, name, policy);
}
