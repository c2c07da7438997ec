import { type Edit, inOrder } from '../edits.js';
import { Recent } from '../json-string-memo.js';
import type { Policy } from '../policy.js';
import { findSecrets, findSecretsInCut } from '../text/find-secrets.js';
import { wordSet } from '../word-set.js';
import { scanJson } from './json.js';
import { KeyPath } from './json-frame.js';
import type { DeltaSink } from './json-scanner.js';

/** A delta: a string literal in the text of an event, which is a part of a longer text. */
export interface Delta {
  readonly value: string;
  readonly key: string;
  readonly start: number;
  readonly end: number;
  /** Those of the event. */
  readonly edits: Edit[];
  /** Whether the literal has no end, because the text was cut off in it. */
  readonly isCut: boolean;
}

/** The keys of deltas in the streams of OpenAI, Anthropic, Gemini, Ollama, Cohere and the AI SDK. */
const DELTA_KEYS = /* @__PURE__ */ wordSet(
  'arguments argumentsDelta completion content data delta generated_text input inputTextDelta output partial_json reasoning ' +
    'reasoning_content refusal response text textDelta thinking transcript',
);

/**
 * The texts that a stream sends as deltas over several events. A secret that begins in one event and ends in a later one shows only in the
 * joined text, so the deltas of a text are joined and searched, and each match is taken out of all deltas that it covers.
 *
 * Which deltas are of one text follows from their keys, by the indices beside them, and by the type and the id of their events.
 *
 * Its limits: a secret under a key that is not in `DELTA_KEYS`, or spread over two texts, is not found; the deltas of unrelated records
 * may look like a secret when they are joined.
 */
export class DeltaTexts implements DeltaSink {
  readonly root = new KeyPath('');
  /** Strings of earlier events that had no secret: ids, models and types are the same in every event. */
  readonly unchanged = new Recent<{ readonly text: string }>();
  /** The deltas of each text, by the keys that lead to it, then by indices, type and ids. */
  readonly #texts = new Map<string, Map<string, Delta[]>>();
  #pending: { name: string; delta: Delta }[] = [];
  #indices = '';
  #type = '';
  #ids = '';

  /** Takes a string of the current event, if it is a delta. */
  add(value: string, path: KeyPath, key: string, start: number, end: number, edits: Edit[], isCut: boolean): boolean {
    if (path === this.root) this.#identify(key, value);
    if (!DELTA_KEYS.has(key)) return false;
    this.#pending.push({ name: path.under(key).name, delta: { value, key, start, end, edits, isCut } });
    return true;
  }

  /** Takes a number of the current event: an index tells texts adelta. */
  addNumber(key: string, text: string, start: number, end: number): void {
    if (key.endsWith('index')) this.#indices += `,${text.slice(start, end)}`;
  }

  /**
   * Ends the current event. If the event is not whole, the indices and ids that tell its texts apart may be missing. Returns the deltas of the
   * text that its delta belongs to, this one last, if it has no other delta.
   */
  endEvent(isWhole: boolean): Delta[] | undefined {
    const id = this.#type === '' ? this.#indices : `${this.#indices}|${this.#type}|${this.#ids}`;
    const counts = this.#pending.length > 1 ? new Map<string, number>() : undefined;
    let last: Delta[] | undefined;
    for (const { name, delta } of this.#pending) {
      // Strings under the same keys in one event are not of one text.
      const count = counts?.get(name) ?? 0;
      counts?.set(name, count + 1);
      last = this.#append(count === 0 ? name : `${name}|${count}`, id, isWhole, delta);
    }
    const only = this.#pending.length === 1 ? last : undefined;
    this.#pending = [];
    this.#indices = this.#type = this.#ids = '';
    return only;
  }

  /** Adds an edit to its event for every delta that changes. With `isCut`, each text may have gone on. */
  redact(policy: Policy, isCut: boolean): void {
    this.endEvent(false);
    for (const texts of this.#texts.values()) {
      for (const deltas of texts.values()) redactText(deltas, policy, isCut);
    }
  }

  #append(name: string, id: string, isWhole: boolean, delta: Delta): Delta[] | undefined {
    let texts = this.#texts.get(name);
    if (!texts) {
      texts = new Map();
      this.#texts.set(name, texts);
    }
    let deltas = isWhole ? texts.get(id) : onlyOf(texts);
    if (!deltas && (isWhole || texts.size === 0)) {
      deltas = [];
      texts.set(id, deltas);
    }
    if (deltas) deltas.push(delta);
    else replaceDelta(delta, '');
    return deltas;
  }

  #identify(key: string, value: string): void {
    if (key === 'type') this.#type = value;
    else if (key === 'id' || key === 'item_id') this.#ids += `,${value}`;
  }
}

function onlyOf(texts: ReadonlyMap<string, Delta[]>): Delta[] | undefined {
  return texts.size === 1 ? texts.values().next().value : undefined;
}

function redactText(deltas: readonly Delta[], policy: Policy, isCut: boolean): void {
  const values = redactTogether(
    deltas.map((delta) => delta.value),
    policy,
    isCut,
  );
  for (const [index, delta] of deltas.entries()) {
    let value = values?.[index] ?? delta.value;
    if (policy.ask) value = policy.ask(value, delta.key);
    if (value !== delta.value || delta.isCut) replaceDelta(delta, value);
  }
}

function replaceDelta({ start, end, edits }: Delta, value: string): void {
  edits.push({ start, end, text: JSON.stringify(value) });
}

/**
 * Redacts parts of one text together. A match is taken out of all parts that it covers, and its replacement stands where it began.
 * `undefined` if there is none.
 */
export function redactTogether(texts: readonly string[], policy: Policy, isCut: boolean): string[] | undefined {
  const whole = texts.join('');
  const edits =
    editsOfJson(whole, policy, isCut) ?? (isCut ? findSecretsInCut(whole, policy) : findSecrets(whole, policy));
  return edits.length === 0 ? undefined : distribute(texts, edits);
}

/** `undefined` if the text is neither JSON nor the beginning of JSON: the arguments of a tool may break off. */
function editsOfJson(whole: string, policy: Policy, isCut: boolean): readonly Edit[] | undefined {
  if (!/^\s*[{[]/.test(whole)) return undefined;
  const scan = scanJson(whole, policy);
  const rendered = scan.render(true);
  if (!rendered) return undefined;
  if (isCut) scan.edits.push({ start: rendered.read, end: whole.length, text: '' });
  return inOrder(scan.edits);
}

function distribute(texts: readonly string[], edits: readonly Edit[]): string[] {
  let from = 0;
  let next = 0;
  return texts.map((text) => {
    const to = from + text.length;
    let result = '';
    let at = from;
    for (let edit = edits[next]; edit && edit.start < to; edit = edits[++next]) {
      result += text.slice(at - from, Math.max(edit.start - from, 0));
      if (edit.start >= from) result += edit.text;
      at = Math.min(edit.end, to);
      if (edit.end > to) break;
    }
    result += text.slice(at - from);
    from = to;
    return result;
  });
}
