import { linesOf } from '../../../util/lines.js';
import { RepeatedJson } from '../../../util/repeated-json.js';
import { applyEdits, type Edit, REDACTED } from '../edits.js';
import type { Policy } from '../policy.js';
import type { Piece, RedactedBody } from '../truncation.js';
import { type Delta, DeltaTexts, redactTogether } from './delta-texts.js';
import { redactString, scanJson } from './json.js';
import type { JsonScan, RenderedJson } from './json-scanner.js';

/** A line or an event that has been read. It is rendered when all have been read, because deltas are redacted together. */
interface Draft {
  readonly head: string;
  readonly source: string;
  /** `undefined` if it is a text. */
  readonly scan: Pick<JsonScan, 'render'> | undefined;
  readonly tail: string;
  /** Whether it may be cut. */
  readonly isOpen: boolean;
}

/**
 * Redacts server-sent events: their data as JSON, or as text. Malformed JSON is replaced. The beginning of a cut event stays. Line ends
 * become line feeds.
 *
 * `undefined` if a line is no field. Source: HTML Standard, "Server-sent events".
 */
export function redactEvents(text: string, policy: Policy, isCut: boolean): RedactedBody | undefined {
  const lines = linesOf(text);
  let last = lines.pop() ?? '';
  // A cut last line is data, or too short to be judged.
  const dropped = isCut && !last.startsWith('data:') ? last.length : 0;
  if (dropped > 0) last = '';
  if (last !== '') lines.push(last);

  const deltas = new DeltaTexts();
  const reader = new EventReader(policy, deltas);
  const drafts: Draft[] = [];
  for (const line of lines) {
    if (line === '') {
      const draft = reader.end('\n\n', false);
      if (draft) drafts.push(draft);
    } else if (!reader.read(line)) {
      return undefined;
    }
  }
  const open = reader.end(last === '' ? '\n' : '', true);
  if (open) drafts.push(open);
  if (drafts.length === 0 && !isCut) return undefined;

  deltas.redact(policy, isCut);
  const body = renderAll(drafts, policy, isCut, { text: REDACTED, read: 0, depth: 0 });
  return body && { pieces: body.pieces, unread: open ? body.unread : dropped };
}

/** JSON lines, with `deltas` if they are the events of a stream. `undefined` if one of them is no JSON. */
export function redactLines(
  text: string,
  policy: Policy,
  isCut: boolean,
  deltas: DeltaTexts | undefined,
): RedactedBody | undefined {
  const lines = linesOf(text);
  const drafts: Draft[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const isLast = index === lines.length - 1;
    const scan = scanJson(line, policy, deltas);
    drafts.push({ head: '', source: line, scan, tail: isLast ? '' : '\n', isOpen: isCut && isLast });
    deltas?.endEvent(scan.isWhole);
  }
  deltas?.redact(policy, isCut);
  return renderAll(drafts, policy, isCut, undefined);
}

const FIELD = /^(?:data|event|id|retry|)(?::|$)/;
const DATA_PREFIX = /^data(?:: ?|$)/;
/** An object, or an array with something in it: `[DONE]` is a text. */
const JSON_DATA = /^\s*(?:\{|\[\s*["[{\d])/;

/** Makes drafts of events. Fields other than data repeat from event to event, so their results are memoized. */
class EventReader {
  readonly #policy: Policy;
  readonly #deltas: DeltaTexts;
  readonly #fields = new Map<string, string>();
  #repeated: RepeatedEvent | undefined;
  #head = '';
  #data: string | undefined;
  #tail = '';

  constructor(policy: Policy, deltas: DeltaTexts) {
    this.#policy = policy;
    this.#deltas = deltas;
  }

  /** Reads a line that is not empty. Returns `false` if it is no field. */
  read(line: string): boolean {
    const prefix = line.startsWith('data: ') ? 'data: ' : DATA_PREFIX.exec(line)?.[0];
    if (prefix !== undefined) {
      if (this.#data === undefined) this.#head += prefix;
      this.#data = (this.#data === undefined ? '' : `${this.#data}\n`) + line.slice(prefix.length);
      return true;
    }
    let field = this.#fields.get(line);
    if (field === undefined) {
      if (!FIELD.test(line)) return false;
      field = redactTogether([line], this.#policy, false)?.[0] ?? line;
      this.#fields.set(line, field);
    }
    if (this.#data === undefined) this.#head += `${field}\n`;
    else this.#tail += `\n${field}`;
    return true;
  }

  /** Ends the current event and returns it, if there is one. */
  end(lineEnd: string, isOpen: boolean): Draft | undefined {
    const head = this.#head;
    const tail = this.#tail;
    const data = this.#data;
    this.#head = this.#tail = '';
    this.#data = undefined;
    if (data === undefined) {
      return head === '' ? undefined : { head, source: '', scan: undefined, tail: lineEnd.slice(1), isOpen };
    }
    if (!JSON_DATA.test(data)) return { head, source: data, scan: undefined, tail: tail + lineEnd, isOpen };
    // JSON allows a space for a line feed, and an event of one line is easier to render.
    const source = data.includes('\n') ? data.replaceAll('\n', ' ') : data;
    const scan = this.#repeated?.scan(source, this.#policy) ?? this.#scan(source);
    return { head, source, scan, tail: tail + lineEnd, isOpen };
  }

  #scan(source: string): JsonScan {
    const scan = scanJson(source, this.#policy, this.#deltas);
    const deltas = this.#deltas.endEvent(scan.isWhole);
    if (deltas && scan.isRepeatable && !this.#policy.ask) {
      this.#repeated = new RepeatedEvent(source, deltas, scan.depth);
    }
    return scan;
  }
}

/**
 * Recognizes the events that are an earlier one with another text in its only delta, as most events of a stream are. The earlier one had no
 * secret besides, so only the text is searched, with the text's other deltas.
 */
class RepeatedEvent {
  readonly #json: RepeatedJson;
  readonly #deltas: Delta[];
  readonly #key: string;
  readonly #depth: number;

  /** `deltas`: those of the text, with the event's delta as the last one. `depth`: of the event's JSON. */
  constructor(event: string, deltas: Delta[], depth: number) {
    const { key, start, end } = deltas.at(-1) as Delta;
    this.#json = new RepeatedJson(event, start + 1, end - 1);
    this.#deltas = deltas;
    this.#key = key;
    this.#depth = depth;
  }

  /** Takes the delta of `event`; `undefined` if the event has to be scanned. */
  scan(event: string, policy: Policy): Pick<JsonScan, 'render'> | undefined {
    const at = this.#json.textAt(event);
    if (at === -1) return undefined;
    const padding = this.#json.paddingOf(event);
    if (padding !== '' && redactString(padding, undefined, policy) !== padding) return undefined;
    const edits: Edit[] = [];
    const textEnd = event.indexOf('"', at);
    if (textEnd > at) {
      const value = event.slice(at, textEnd);
      this.#deltas.push({ value, key: this.#key, start: at - 1, end: textEnd + 1, edits, isCut: false });
    }
    return { render: () => ({ text: applyEdits(event, edits), read: event.length, depth: this.#depth }) };
  }
}

/** Renders drafts. `otherwise` replaces malformed JSON; without it the body is `undefined`. */
function renderAll(
  drafts: readonly Draft[],
  policy: Policy,
  isCut: boolean,
  otherwise: RenderedJson | undefined,
): RedactedBody | undefined {
  const texts = drafts.map((draft) => (draft.scan ? '' : draft.source));
  const redacted = redactTogether(texts, policy, isCut) ?? texts;
  const pieces: Piece[] = [];
  let unread = 0;
  for (const [index, { head, source, scan, tail, isOpen }] of drafts.entries()) {
    unread = 0;
    if (scan) {
      const rendered = scan.render(isOpen) ?? otherwise;
      if (!rendered) return undefined;
      pieces.push({ head, body: rendered.text, tail, jsonDepth: rendered.depth });
      unread = source.length - rendered.read;
    } else {
      const body = (redacted[index] ?? '').replaceAll('\n', '\ndata: ');
      pieces.push({ head, body, tail, jsonDepth: undefined });
    }
  }
  return { pieces, unread };
}
