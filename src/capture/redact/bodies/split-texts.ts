import { type Edit, inOrder } from '../edits.js';
import { Recent } from '../json-string-memo.js';
import type { Policy } from '../policy.js';
import { findSecrets, findSecretsInCut } from '../text.js';
import { JsonScan } from './json-scanner.js';

/** A bit of a lane: a string literal in the text of an event. */
interface Part {
  readonly value: string;
  readonly key: string;
  readonly start: number;
  readonly end: number;
  /** Those of the event. */
  readonly edits: Edit[];
  /** Whether the literal has no end, because the text was cut off in it. */
  readonly isCut: boolean;
}

/** The keys under which the streams of OpenAI, Anthropic, Gemini, Ollama, Cohere and the AI SDK spell a text or JSON bit by bit. */
const DELTA_KEYS = /* @__PURE__ */ new Set(
  (
    'arguments argumentsDelta completion content data delta generated_text input inputTextDelta output partial_json reasoning ' +
    'reasoning_content refusal response text textDelta thinking transcript'
  ).split(' '),
);

/**
 * The texts that a stream spells over several events: one lane for each. A secret that begins in one event and ends in a later one
 * shows only in the whole, so the bits of a lane are joined, searched, and what was found is taken out of each of them.
 *
 * A lane is known by its keys, by the indices beside it, and by the type and the id of its events where they have a type.
 *
 * Its limits: a secret that is spelt under a key that is not in `DELTA_KEYS`, or over two lanes, is not seen; what only looks like one when
 * records that have nothing to do with each other are joined is taken for one.
 */
export class Lanes {
  /** Strings of earlier events that stayed as they were. Ids, models and types are the same in every event. */
  readonly staying = new Recent<{ readonly text: string }>();
  /** By keys, then by what else tells lanes apart. */
  readonly #lanes = new Map<string, Map<string, Part[]>>();
  #pending: { name: string; part: Part }[] = [];
  #indices = '';
  #type = '';
  #ids = '';

  /** Takes a string of the current event, if it is a bit of a lane. */
  add(value: string, path: string, key: string, start: number, end: number, edits: Edit[], isCut: boolean): boolean {
    if (path === '') this.#identify(key, value);
    if (!DELTA_KEYS.has(key)) return false;
    this.#pending.push({ name: `${path}.${key}`, part: { value, key, start, end, edits, isCut } });
    return true;
  }

  /** Takes a number of the current event: an index tells lanes apart. */
  addNumber(key: string, text: string, start: number, end: number): void {
    if (key.endsWith('index')) this.#indices += `,${text.slice(start, end)}`;
  }

  /** The current event is over. If it is not whole, what tells its lanes apart may be missing. */
  endEvent(isWhole: boolean): void {
    const id = this.#type === '' ? this.#indices : `${this.#indices}|${this.#type}|${this.#ids}`;
    const counts = this.#pending.length > 1 ? new Map<string, number>() : undefined;
    for (const { name, part } of this.#pending) {
      // Strings under the same keys in one event are not bits of one text.
      const count = counts?.get(name) ?? 0;
      counts?.set(name, count + 1);
      this.#append(count === 0 ? name : `${name}|${count}`, id, isWhole, part);
    }
    this.#pending = [];
    this.#indices = this.#type = this.#ids = '';
  }

  /** Adds an edit to its event for every bit that does not stay as it is. With `isCut`, every lane might have gone on. */
  redact(policy: Policy, isCut: boolean): void {
    this.endEvent(false);
    for (const lanes of this.#lanes.values()) {
      for (const parts of lanes.values()) redactLane(parts, policy, isCut);
    }
  }

  #append(name: string, id: string, isWhole: boolean, part: Part): void {
    let lanes = this.#lanes.get(name);
    if (!lanes) {
      lanes = new Map();
      this.#lanes.set(name, lanes);
    }
    const parts = isWhole ? lanes.get(id) : onlyOf(lanes);
    if (parts) parts.push(part);
    else if (isWhole || lanes.size === 0) lanes.set(id, [part]);
    else replacePart(part, '');
  }

  #identify(key: string, value: string): void {
    if (key === 'type') this.#type = value;
    else if (key === 'id' || key === 'item_id') this.#ids += `,${value}`;
  }
}

function onlyOf(lanes: ReadonlyMap<string, Part[]>): Part[] | undefined {
  return lanes.size === 1 ? lanes.values().next().value : undefined;
}

function redactLane(parts: readonly Part[], policy: Policy, isCut: boolean): void {
  const values = redactTogether(
    parts.map((part) => part.value),
    policy,
    isCut,
  );
  for (const [index, part] of parts.entries()) {
    let value = values?.[index] ?? part.value;
    if (policy.ask) value = policy.ask(value, part.key);
    if (value !== part.value || part.isCut) replacePart(part, value);
  }
}

function replacePart({ start, end, edits }: Part, value: string): void {
  edits.push({ start, end, text: JSON.stringify(value) });
}

/**
 * Redacts texts that are bits of one. What was found goes from all of them, and what stands in for it is where it began.
 * `undefined` if all stay as they are.
 */
export function redactTogether(texts: readonly string[], policy: Policy, isCut: boolean): string[] | undefined {
  const whole = texts.join('');
  const edits =
    editsOfJson(whole, policy, isCut) ?? (isCut ? findSecretsInCut(whole, policy) : findSecrets(whole, policy));
  return edits.length === 0 ? undefined : distribute(texts, edits);
}

/** `undefined` if it is no JSON, and not the beginning of any either: the arguments of a tool may break off. */
function editsOfJson(whole: string, policy: Policy, isCut: boolean): readonly Edit[] | undefined {
  if (!/^\s*[{[]/.test(whole)) return undefined;
  const scan = new JsonScan(whole, policy);
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
