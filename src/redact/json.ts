import { applyEdits, type Edit, inOrder, REDACTED } from './edits.js';
import type { Lanes } from './lanes.js';
import { type NameKind, PLAIN, SECRET, SUSPECT, TOKEN } from './names.js';
import type { Policy } from './policy.js';
import { looksRandom } from './shapes.js';
import { findSecrets, findSecretsInCut } from './text.js';

/**
 * Redacts the JSON text of a value and leaves everything else in it as it is: numbers of any length, white space, double keys.
 * `undefined` if it is no JSON.
 */
export function redactJson(text: string, policy: Policy): string | undefined {
  return scanJson(text, policy, false)?.render()?.text;
}

/** Redacts a text, which may be JSON as a whole; `name` is what it is the value of. */
export function redactString(value: string, name: string | undefined, policy: Policy): string {
  if (looksLikeJson(value)) {
    const redacted = redactJson(value, policy);
    if (redacted !== undefined) return redacted;
  }
  const redacted = applyEdits(value, findSecrets(value, policy));
  return policy.ask ? policy.ask(redacted, name) : redacted;
}

/** The same for a text that was cut off at its end. */
export function redactCutString(value: string, name: string | undefined, policy: Policy): string {
  if (/^\s*[{[]/.test(value)) {
    const redacted = scanJson(value, policy, true)?.render()?.text;
    if (redacted !== undefined) return redacted;
  }
  const redacted = applyEdits(value, findSecretsInCut(value, policy));
  return policy.ask ? policy.ask(redacted, name) : redacted;
}

/** Whether a text may be JSON with structure in it, or a JSON string. */
export function looksLikeJson(text: string): boolean {
  let start = 0;
  let end = text.length - 1;
  while (start < end && isWhiteSpace(text.charCodeAt(start))) start++;
  while (start < end && isWhiteSpace(text.charCodeAt(end))) end--;
  if (end - start < 1) return false;
  const first = text.charCodeAt(start);
  const last = text.charCodeAt(end);
  return (
    (first === OPEN_OBJECT && last === CLOSE_OBJECT) ||
    (first === OPEN_ARRAY && last === CLOSE_ARRAY) ||
    (first === QUOTE && last === QUOTE)
  );
}

/** JSON text as it can be kept. */
export interface RenderedJson {
  /** Valid JSON. */
  readonly text: string;
  /** How many characters of the source it stands for: all, or fewer where the source was cut off. */
  readonly read: number;
  /** How deep it is nested at its deepest. */
  readonly depth: number;
}

/** JSON text that has been gone through once; `edits` may still be added to until it is rendered. */
export interface JsonScan {
  readonly edits: Edit[];
  /** The text with its edits, closed where it was cut off; `undefined` if that is no JSON. */
  render(): RenderedJson | undefined;
}

const QUOTE = 34;
const COMMA = 44;
const MINUS = 45;
const COLON = 58;
const OPEN_ARRAY = 91;
const BACKSLASH = 92;
const CLOSE_ARRAY = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/** Where in a JSON schema: `properties: { password: { type: 'string', default: '…' } }` names a secret but isn't one. */
type SchemaPlace = 'none' | 'properties' | 'secret';

/** What a JSON schema says about a property, other than examples of its value. */
const SCHEMA_WORDS = new Set(['$ref', 'description', 'format', 'items', 'pattern', 'title', 'type']);

/** `{ name: 'authorization', value: '…' }` */
const NAMING_KEYS = new Set(['field', 'header', 'key', 'name']);

/** Under these `token` is a piece of text, not a credential. */
const TEXT_TOKENS = /logprobs|probabilities/i;

/** An object or array that is open. */
interface Frame {
  readonly isArray: boolean;
  /** The keys that lead here, where streams are read. */
  readonly path: string;
  readonly hasTextTokens: boolean;
  readonly schema: SchemaPlace;
  /** Where the key of a secret is, all of this is replaced from here on; -1 if not. */
  readonly hiddenFrom: number;
  /** The key whose value comes, and what it says about it. */
  key: string;
  kind: NameKind;
  /** How many values there were before, in an array. */
  index: number;
  /** Whether a name was found in here that makes `value`, or the next element of a pair, a secret. */
  namesSecret: boolean;
  /** Where `value` stands, in case its name comes after it. */
  value: { start: number; end: number } | undefined;
}

const ROOT: Frame = {
  isArray: true,
  path: '',
  hasTextTokens: false,
  schema: 'none',
  hiddenFrom: -1,
  key: '',
  kind: PLAIN,
  index: 0,
  namesSecret: false,
  value: undefined,
};

/** What may stand between the last whole value of a JSON beginning and its end: a comma, a key, half a number. */
const UNFINISHED = /^\s*,?\s*(?:"(?:[^"\\]|\\.)*"?\s*:?\s*)?[\w.+-]*$/;

const NUMBER = /-?[0-9][0-9.eE+-]*/y;

/**
 * Goes through JSON text once. What is no JSON comes to light when the result is parsed, in `render`, so nothing is checked here.
 *
 * `isCut`: the text is only the beginning of its JSON. Without a `policy` nothing is redacted: that closes what has been redacted
 * before and was cut off then. With `lanes`, the text is an event of a stream, and what belongs to the text that the stream
 * spells is left to them.
 */
export function scanJson(
  text: string,
  policy: Policy | undefined,
  isCut: boolean,
  lanes?: Lanes,
): JsonScan | undefined {
  const edits: Edit[] = [];
  const stack: Frame[] = [];
  let frame: Frame = { ...ROOT };
  let expectsKey = false;
  let depth = 0;
  /** Up to here everything is whole. */
  let safe = 0;

  const replace = (start: number, end: number) => edits.push({ start, end, text: `"${REDACTED}"` });

  const open = (at: number, isArray: boolean) => {
    const { kind } = frame;
    const key = frame.isArray ? '' : frame.key;
    const isSchemaOfSecret = kind !== PLAIN && frame.schema === 'properties' && !isArray;
    const isHidden = kind === SECRET && !isSchemaOfSecret;
    let schema: SchemaPlace = 'none';
    if (isSchemaOfSecret) schema = 'secret';
    else if (frame.schema === 'secret') schema = isArray && SCHEMA_WORDS.has(frame.key) ? 'none' : 'secret';
    else if (key === 'properties' && !isArray) schema = 'properties';
    stack.push(frame);
    depth = Math.max(depth, stack.length);
    frame = {
      isArray,
      path: lanes && key !== '' ? `${frame.path}.${key}` : frame.path,
      hasTextTokens: frame.hasTextTokens || (key !== '' && TEXT_TOKENS.test(key)),
      schema,
      hiddenFrom: frame.hiddenFrom >= 0 ? frame.hiddenFrom : isHidden ? at : -1,
      key: isArray ? frame.key : '',
      kind: isArray ? (kind === SECRET ? PLAIN : kind) : PLAIN,
      index: 0,
      namesSecret: false,
      value: undefined,
    };
    expectsKey = !isArray;
    safe = at + 1;
  };

  const close = (at: number) => {
    const { hiddenFrom } = frame;
    frame = stack.pop() ?? frame;
    if (hiddenFrom >= 0 && frame.hiddenFrom < 0) replace(hiddenFrom, at + 1);
    expectsKey = false;
    safe = at + 1;
    // An event, or an element of a list of events.
    if (lanes && (stack.length === 0 || (stack.length === 1 && frame.isArray))) lanes.endEvent();
  };

  const readKey = (start: number, end: number) => {
    if (!policy) return;
    const key = decode(text, start, end);
    frame.key = key;
    if (frame.hiddenFrom >= 0) return;
    const kind = policy.kind(key);
    frame.kind = kind === TOKEN && frame.hasTextTokens ? PLAIN : kind;
    const found = key.length < 16 && policy.patterns.length === 0 ? [] : findSecrets(key, policy);
    if (found.length > 0) edits.push({ start, end, text: JSON.stringify(applyEdits(key, found)) });
  };

  const readValue = (start: number, end: number) => {
    if (!policy || frame.hiddenFrom >= 0 || end - start === 2) return;
    const { key } = frame;
    if (isSecretByName(start, end)) {
      replace(start, end);
      return;
    }
    if (end - start < 7 && policy.patterns.length === 0 && !policy.ask && !lanes) return;
    const value = decode(text, start, end);
    if (frame.kind === SUSPECT && looksRandom(value)) {
      replace(start, end);
    } else if (lanes?.add(value, frame.path, key, { start, end, edits, isCut: false }) !== true) {
      const redacted = redactString(value, key || undefined, policy);
      if (redacted !== value) edits.push({ start, end, text: JSON.stringify(redacted) });
    }
  };

  const isSecretByName = (start: number, end: number): boolean => {
    if (frame.kind >= TOKEN) return true;
    if (frame.schema === 'secret' && !SCHEMA_WORDS.has(frame.key)) return true;
    if (frame.isArray) {
      // `[['authorization', '…']]`
      if (stack.at(-1)?.isArray !== true || stack.length < 2 || frame.index > 1) return false;
      if (frame.index === 0) frame.namesSecret = namesSecret(start, end);
      return frame.index === 1 && frame.namesSecret;
    }
    if (frame.key === 'value') {
      frame.value = { start, end };
      return frame.namesSecret;
    }
    if (NAMING_KEYS.has(frame.key) && namesSecret(start, end)) {
      frame.namesSecret = true;
      if (frame.value) replace(frame.value.start, frame.value.end);
    }
    return false;
  };

  const namesSecret = (start: number, end: number) =>
    end - start < 66 && (policy as Policy).kind(decode(text, start, end)) >= TOKEN;

  const readNumber = (at: number): number => {
    NUMBER.lastIndex = at;
    if (!NUMBER.test(text)) return at + 1;
    const end = NUMBER.lastIndex;
    if (frame.hiddenFrom >= 0) return end;
    if (frame.kind === SECRET) replace(at, end);
    else lanes?.addNumber(frame.key, text, at, end);
    return end;
  };

  const readCutString = (start: number) => {
    const hasPlace = frame.hiddenFrom < 0 && !expectsKey;
    const value = hasPlace ? decodeCut(text, start) : undefined;
    if (value === undefined) return;
    safe = text.length;
    const end = text.length;
    if (!policy) {
      edits.push({ start, end, text: JSON.stringify(value) });
    } else if (frame.kind !== PLAIN || isSecretByName(start, end)) {
      replace(start, end);
    } else if (lanes?.add(value, frame.path, frame.key, { start, end, edits, isCut: true }) !== true) {
      edits.push({ start, end, text: JSON.stringify(redactCutString(value, frame.key || undefined, policy)) });
    }
  };

  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = stringEnd(text, at);
      if (end === -1) {
        if (!isCut) return undefined;
        readCutString(at);
        break;
      }
      if (expectsKey) {
        readKey(at, end);
      } else {
        readValue(at, end);
        safe = end;
      }
      at = end;
      continue;
    }
    if (code === COMMA) {
      safe = Math.max(safe, at);
      frame.index++;
      expectsKey = !frame.isArray;
    } else if (code === COLON) {
      expectsKey = false;
    } else if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
      open(at, code === OPEN_ARRAY);
    } else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) {
      close(at);
    } else if (code === MINUS || (code >= 48 && code <= 57)) {
      at = readNumber(at);
      continue;
    }
    at++;
  }
  if (stack.length > 0 && !isCut) return undefined;

  return {
    edits,
    render: () => {
      const open = stack.length > 0 ? [...stack.slice(1), frame] : [];
      const hidden = open.find((frame) => frame.hiddenFrom >= 0);
      let closers = '';
      for (const frame of open) {
        if (frame.hiddenFrom < 0) closers = (frame.isArray ? ']' : '}') + closers;
      }
      const read = hidden ? hidden.hiddenFrom : open.length > 0 ? safe : text.length;
      if (!hidden && !UNFINISHED.test(text.slice(read))) return undefined;
      const kept = applyEdits(text, inOrder(edits), read);
      const whole = kept + (hidden ? `"${REDACTED}"` : '') + closers;
      return isJson(whole) ? { text: whole, read, depth } : undefined;
    },
  };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isWhiteSpace(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9;
}

/** After the closing quote of the string that begins at `start`; -1 if there is none. */
function stringEnd(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let backslashes = at;
    while (text.charCodeAt(backslashes - 1) === BACKSLASH) backslashes--;
    if ((at - backslashes) % 2 === 0) return at + 1;
  }
  return -1;
}

/** The value of the string literal between `start` and `end`. One that is none is no JSON, which comes to light later. */
function decode(text: string, start: number, end: number): string {
  const inner = text.slice(start + 1, end - 1);
  if (!inner.includes('\\')) return inner;
  try {
    return JSON.parse(text.slice(start, end));
  } catch {
    return inner;
  }
}

/** The value of a string literal that has no end, as far as it goes: escapes and characters in two halves need both. */
function decodeCut(text: string, start: number): string | undefined {
  let inner = text.slice(start + 1);
  const unfinished = /\\(?:u[0-9A-Fa-f]{0,3})?$/.exec(inner);
  if (unfinished && isEscape(inner, unfinished.index)) inner = inner.slice(0, unfinished.index);
  try {
    return JSON.parse(`"${inner}"`).replace(/[\ud800-\udbff]$/, '');
  } catch {
    return undefined;
  }
}

/** Whether the backslash at `at` begins an escape and doesn't end one. */
function isEscape(text: string, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === BACKSLASH) first--;
  return (at - first) % 2 === 0;
}
