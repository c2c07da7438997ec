import { REDACTED } from './edits.js';
import { type JsonScan, scanJson } from './json.js';
import { Lanes, redactTogether } from './lanes.js';
import type { Policy } from './policy.js';
import type { Piece } from './truncate.js';

/** What was made of a body, and how many characters at its end have no part in it. */
export interface RedactedBody {
  readonly pieces: readonly Piece[];
  readonly unread: number;
}

/** A line or an event that has been read. What goes from it is known only when all have been, so it is rendered then. */
interface Draft {
  readonly head: string;
  readonly source: string;
  /** `undefined` if it is a text. */
  readonly scan: JsonScan | undefined;
  readonly tail: string;
}

/**
 * Server-sent events: the data of each as JSON, or as text where it is none. Data that begins as JSON does and is none is replaced.
 * An event whose end is missing is kept as far as it goes. Line ends become line feeds.
 *
 * `undefined` if there is a line that is no field. Source: HTML Standard, "Server-sent events".
 */
export function redactEvents(text: string, policy: Policy, isCut: boolean): RedactedBody | undefined {
  const lines = linesOf(text);
  let last = lines.pop() ?? '';
  // What is left of the last line is data, or it is too little to be judged.
  const dropped = isCut && !last.startsWith('data:') ? last.length : 0;
  if (dropped > 0) last = '';
  if (last !== '') lines.push(last);

  const lanes = new Lanes();
  const reader = new EventReader(policy, lanes);
  const drafts: Draft[] = [];
  let event: string[] = [];
  for (const line of lines) {
    if (line !== '') {
      if (!FIELD.test(line)) return undefined;
      event.push(line);
    } else if (event.length > 0) {
      drafts.push(reader.read(event, '\n\n', false));
      event = [];
    }
  }
  const isOpen = event.length > 0;
  if (isOpen) drafts.push(reader.read(event, last === '' ? '\n' : '', true));
  if (drafts.length === 0 && !isCut) return undefined;

  lanes.redact(policy, isCut);
  const rendered = renderAll(drafts, policy, isCut, () => ({ text: REDACTED, read: 0, depth: 0 }));
  return rendered && { pieces: rendered.pieces, unread: isOpen ? rendered.unread : dropped };
}

/** JSON lines. `undefined` if one of them is no JSON. */
export function redactLines(text: string, policy: Policy, isCut: boolean): RedactedBody | undefined {
  const lines = linesOf(text);
  const lanes = new Lanes();
  const drafts: Draft[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const isLast = index === lines.length - 1;
    const scan = scanJson(line, policy, isCut && isLast, lanes);
    if (!scan) return undefined;
    drafts.push({ head: '', source: line, scan, tail: isLast ? '' : '\n' });
  }
  lanes.redact(policy, isCut);
  return renderAll(drafts, policy, isCut, () => undefined);
}

function linesOf(text: string): string[] {
  return text.includes('\r') ? text.split(/\r\n|[\r\n]/) : text.split('\n');
}

const FIELD = /^(?:data|event|id|retry|)(?::|$)/;
const DATA = /^data(?:: ?|$)/;
/** An object, or an array with something in it: `[DONE]` is a text. */
const JSON_DATA = /^\s*(?:\{|\[\s*["[{\d])/;

/** Makes drafts of events. The other fields repeat from event to event, so what became of them is remembered. */
class EventReader {
  readonly #policy: Policy;
  readonly #lanes: Lanes;
  readonly #fields = new Map<string, string>();

  constructor(policy: Policy, lanes: Lanes) {
    this.#policy = policy;
    this.#lanes = lanes;
  }

  read(lines: readonly string[], end: string, isOpen: boolean): Draft {
    let head = '';
    let tail = '';
    let source: string | undefined;
    for (const line of lines) {
      const prefix = DATA.exec(line)?.[0];
      if (prefix === undefined) {
        if (source === undefined) head += `${this.#field(line)}\n`;
        else tail += `\n${this.#field(line)}`;
      } else if (source === undefined) {
        head += prefix;
        source = line.slice(prefix.length);
      } else {
        source += `\n${line.slice(prefix.length)}`;
      }
    }
    if (source === undefined) return { head: '', source: '', scan: undefined, tail: head + end.slice(1) };
    // In JSON a line feed is as good as a space, and an event of one line is easier to render.
    if (JSON_DATA.test(source)) source = source.replaceAll('\n', ' ');
    const scan = JSON_DATA.test(source) ? scanJson(source, this.#policy, isOpen, this.#lanes) : undefined;
    if (!scan && JSON_DATA.test(source)) source = REDACTED;
    return { head, source, scan, tail: tail + end };
  }

  #field(line: string): string {
    let redacted = this.#fields.get(line);
    if (redacted === undefined) {
      redacted = redactTogether([line], this.#policy, false)?.[0] ?? line;
      this.#fields.set(line, redacted);
    }
    return redacted;
  }
}

function renderAll(
  drafts: readonly Draft[],
  policy: Policy,
  isCut: boolean,
  otherwise: () => ReturnType<JsonScan['render']>,
): RedactedBody | undefined {
  const texts = drafts.map((draft) => (draft.scan ? '' : draft.source));
  const redacted = redactTogether(texts, policy, isCut) ?? texts;
  const pieces: Piece[] = [];
  let unread = 0;
  for (const [index, { head, source, scan, tail }] of drafts.entries()) {
    if (scan) {
      const rendered = scan.render() ?? otherwise();
      if (!rendered) return undefined;
      pieces.push({ head, body: rendered.text, tail, jsonDepth: rendered.depth });
      unread = source.length - rendered.read;
    } else {
      const body = (redacted[index] ?? '').replaceAll('\n', '\ndata: ');
      pieces.push({ head, body, tail, jsonDepth: undefined });
      unread = 0;
    }
  }
  return { pieces, unread };
}
