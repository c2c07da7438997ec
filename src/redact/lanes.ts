import type { Edit } from './edits.js';
import { looksLikeJson, redactJson } from './json.js';
import type { Policy } from './policy.js';
import { findSecrets, findSecretsInCut } from './text.js';

/** Where a string literal stands in the text of an event, and the edits of that text. */
export interface Place {
  readonly start: number;
  readonly end: number;
  readonly edits: Edit[];
  /** Whether the literal has no end, because the text was cut off in it. */
  readonly isCut: boolean;
}

interface Part {
  readonly value: string;
  readonly key: string;
  readonly place: Place;
}

/** The keys under which the streams of OpenAI, Anthropic, Gemini, Ollama, Cohere and the AI SDK spell a text or JSON bit by bit. */
const DELTA_KEYS = new Set(
  (
    'arguments argumentsDelta content data delta generated_text input inputTextDelta output partial_json reasoning ' +
    'reasoning_content refusal response text textDelta thinking transcript'
  ).split(' '),
);

/** A delta that is JSON by itself is read by itself, if there is room for a name and a value in it. */
const MIN_JSON_LENGTH = 8;

/**
 * The texts that a stream spells over several events: one lane for each. A secret that begins in one event and ends in a later one
 * shows only in the whole, so the bits of a lane are joined, searched, and what was found is taken out of each of them.
 *
 * A lane is known by its keys, by the indices beside it, and by the type and the id of its events where they have a type. The limit of it: a
 * secret that is spelt under a key that is not in `DELTA_KEYS`, or over lanes, is not seen.
 */
export class Lanes {
  readonly #lanes = new Map<string, Part[]>();
  #pending: { name: string; part: Part }[] = [];
  #indices = '';
  #type = '';
  #ids = '';

  /** Takes a string of the current event, if it is a bit of a lane. */
  add(value: string, path: string, key: string, place: Place): boolean {
    if (path === '') this.#identify(key, value);
    if (!DELTA_KEYS.has(key)) return false;
    if (value.length >= MIN_JSON_LENGTH && !place.isCut && looksLikeJson(value)) return false;
    this.#pending.push({ name: `${path}.${key}`, part: { value, key, place } });
    return true;
  }

  /** Takes a number of the current event: an index tells lanes apart. */
  addNumber(key: string, text: string, start: number, end: number): void {
    if (key.endsWith('index')) this.#indices += `,${text.slice(start, end)}`;
  }

  endEvent(): void {
    const id = this.#type === '' ? this.#indices : `${this.#indices}|${this.#type}|${this.#ids}`;
    const counts = this.#pending.length > 1 ? new Map<string, number>() : undefined;
    for (const { name, part } of this.#pending) {
      // Strings under the same keys in one event are not bits of one text.
      const count = counts?.get(name) ?? 0;
      counts?.set(name, count + 1);
      const lane = `${name}|${count}|${id}`;
      const parts = this.#lanes.get(lane);
      if (parts) parts.push(part);
      else this.#lanes.set(lane, [part]);
    }
    this.#pending = [];
    this.#indices = this.#type = this.#ids = '';
  }

  /** Adds an edit to its event for every bit that does not stay as it is. With `isCut`, every lane might have gone on. */
  redact(policy: Policy, isCut: boolean): void {
    this.endEvent();
    for (const parts of this.#lanes.values()) {
      const values = redactTogether(
        parts.map((part) => part.value),
        policy,
        isCut,
      );
      for (const [index, part] of parts.entries()) {
        const { place, key } = part;
        let value = values?.[index] ?? part.value;
        if (policy.ask) value = policy.ask(value, key);
        if (value !== part.value || place.isCut) {
          place.edits.push({ start: place.start, end: place.end, text: JSON.stringify(value) });
        }
      }
    }
  }

  #identify(key: string, value: string): void {
    if (key === 'type') this.#type = value;
    else if (key === 'id' || key === 'item_id') this.#ids += `,${value}`;
  }
}

/**
 * Redacts texts that are bits of one. What was found goes from all of them, and what stands in for it is where it began.
 * `undefined` if all stay as they are.
 */
export function redactTogether(texts: readonly string[], policy: Policy, isCut: boolean): string[] | undefined {
  const whole = texts.join('');
  if (looksLikeJson(whole)) {
    const redacted = redactJson(whole, policy);
    if (redacted === whole) return undefined;
    if (redacted !== undefined) return texts.map((_, index) => (index === 0 ? redacted : ''));
  }
  const edits = isCut ? findSecretsInCut(whole, policy) : findSecrets(whole, policy);
  return edits.length === 0 ? undefined : distribute(texts, edits);
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
