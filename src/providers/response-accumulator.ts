import type { Attributes } from '@opentelemetry/api';
import type { Message, MessagePart, ModelResponse, Usage } from '../otel/genai.js';
import { defined, type JsonObject, label, object, parseJson } from '../util/json-fields.js';
import { isFailureReason, readFinishReason } from './finish-reason.js';
import type { Answer } from './format.js';
import { readArguments, serverToolCallPart, textParts, toolCallPart } from './message-parts.js';
import { describeError, isErrorEvent, type ProviderError, plainError } from './provider-error.js';

/** More choices than any provider gives. */
const MAX_CHOICES = 128;

/** How much of a streamed response's content is accumulated, in characters: 1 Mi, some 250 000 tokens. */
const MAX_CONTENT_LENGTH = 1 << 20;

/** How far back half of a key is looked for: a longer key has its shape by then. */
const LONGEST_HALF_KEY = 256;

/** What each part counts for at least, so that the number of empty parts is bounded too. */
const PART_LENGTH = 64;

/** How much of growing arguments is parsed before they are whole, in characters: each delta may look like their end. */
const MAX_VAIN_LENGTH = 4 * MAX_CONTENT_LENGTH;

/** The `error.type` of a failure for which the provider gives no code. */
const NO_CODE = 'provider_error';

/** A part of a message, as far as it was received. */
export interface PartDraft {
  readonly type: string;
  text: string;
  /** Whether a closing brace is the last of it that is not blank. */
  endsWithBrace: boolean;
  id?: string | undefined;
  name?: string | undefined;
  /** A part that was received whole; then `text` does not count. */
  whole?: MessagePart[];
}

interface Choice {
  readonly index: number;
  finishReason?: string;
  /** In the order in which they began. */
  readonly parts: PartDraft[];
  /** Made with the first key: where messages are not accumulated there is none. */
  byKey: Map<string | number, PartDraft> | undefined;
  last?: PartDraft;
}

/**
 * Accumulates a response in bounded memory. The readers of the wire formats fill it.
 *
 * A choice is one of the alternative messages that a response holds. A part's key is what the wire format calls it by:
 * a content block's index, a tool call's index.
 */
export class ResponseAccumulator {
  id: string | undefined;
  model: string | undefined;
  usage: Usage = {};
  readonly extra: Attributes = {};
  readonly #content: boolean;
  readonly #choices = new Map<number, Choice>();
  #room = MAX_CONTENT_LENGTH;
  #vainLength = 0;
  #error: ProviderError | undefined;
  #failureReason: string | undefined;

  /** Messages are accumulated only if `content`. */
  constructor(content: boolean) {
    this.#content = content;
  }

  /** The provider reports an error, if there is one. The first one counts; a later one adds the code that it lacks. */
  fail(error: ProviderError | undefined): void {
    const earlier = this.#error;
    if (!error) return;
    if (!earlier) this.#error = { ...error };
    else if (earlier.code === undefined) this.#error = { ...error, ...earlier };
  }

  /** The data of an event. A text in its place is an error, if the event is called so. */
  readEvent(type: string, data: string): JsonObject | undefined {
    const event = object(parseJson(data));
    if (!event && isErrorEvent(type)) this.fail(plainError(data));
    return event;
  }

  /** There is a choice `index`; `finishReason` is why it ended, if it has. A reason that means failure is an error. */
  choice(index: number, finishReason?: unknown): void {
    const choice = this.#choice(index);
    const reason = readFinishReason(finishReason);
    if (reason === undefined) return;
    if (choice) choice.finishReason = reason;
    if (!isFailureReason(reason)) return;
    this.#failureReason ??= reason;
    // SGLang's object says more: `{"type":"abort","message":…}`.
    const details = object(finishReason);
    if (details) this.fail(describeError(details));
  }

  /** How many choices there are. */
  get choiceCount(): number {
    return this.#choices.size;
  }

  /** Whether there is a choice, and each one has its finish reason. */
  get finished(): boolean {
    for (const choice of this.#choices.values()) if (choice.finishReason === undefined) return false;
    return this.#choices.size > 0;
  }

  /** Adds text to the choice's last part, or begins a part if the last one has another type. */
  append(index: number, type: string, delta: unknown): void {
    if (delta === '' || typeof delta !== 'string') return;
    const last = this.#choice(index)?.last;
    this.extend(last?.type === type && !last.whole ? last : this.part(index, type), delta);
  }

  /** The part with this key, begun now if it is new. `undefined` if it is not kept. */
  part(index: number, type: string, key?: string | number): PartDraft | undefined {
    const known = key === undefined ? undefined : this.#choice(index)?.byKey?.get(key);
    return known ?? this.begin(index, type, key);
  }

  /** Begins a part. From now on the key means this part, also if an earlier part had the same key. */
  begin(index: number, type: string, key?: string | number): PartDraft | undefined {
    const choice = this.#choice(index);
    if (!this.#content || !choice || this.#room < PART_LENGTH) return undefined;
    this.#room -= PART_LENGTH;
    const draft: PartDraft = { type, text: '', endsWithBrace: false };
    choice.parts.push(draft);
    if (key !== undefined) keysOf(choice).set(key, draft);
    choice.last = draft;
    return draft;
  }

  /**
   * The tool call that a delta belongs to. Some servers give all calls the same index, so a delta with a name begins a
   * new call if its id is another one, or if it has no id and the call before is complete. Others give all calls the same
   * id.
   */
  toolCall(index: number, key: string | number, given: { id?: unknown; name?: unknown }): PartDraft | undefined {
    const id = label(given.id);
    const name = label(given.name);
    const choice = this.#choice(index);
    const current = choice?.byKey?.get(key);
    const known = id === undefined ? undefined : this.#knownCall(choice?.byKey?.get(idKey(id)), current, name);
    const isNext = current !== undefined && name !== undefined && this.#isNextCall(current, id, name);
    const part = known ?? (current && !isNext ? current : this.begin(index, 'tool_call', key));
    if (!part) return undefined;
    part.id ??= id;
    part.name ??= name;
    if (choice) keysOf(choice).set(key, part);
    if (choice && id !== undefined) keysOf(choice).set(idKey(id), part);
    return part;
  }

  #isNextCall(current: PartDraft, id: string | undefined, name: string): boolean {
    if (current.type !== 'tool_call') return true;
    if (id !== undefined && current.id !== undefined) return id !== current.id;
    // A call that has no arguments may have no text for them, either.
    return this.#isComplete(current) || (current.name !== undefined && current.name !== name && current.text === '');
  }

  /** The call that had the id before, unless the delta begins a call at another index after that one was complete. */
  #knownCall(known: PartDraft | undefined, current: PartDraft | undefined, name: string | undefined) {
    const isOther = known && current === undefined && name !== undefined && this.#isComplete(known);
    return isOther ? undefined : known;
  }

  /** Growing arguments are parsed only where they may end, and not for ever: to parse a long text with each delta would be slow. */
  #isComplete({ name, text, endsWithBrace }: PartDraft): boolean {
    if (name === undefined || !endsWithBrace || this.#vainLength > MAX_VAIN_LENGTH) return false;
    if (object(parseJson(text))) return true;
    this.#vainLength += text.length;
    return false;
  }

  /** More text for a part. */
  extend(draft: PartDraft | undefined, delta: unknown): void {
    if (!draft || typeof delta !== 'string') return;
    const end = delta.trimEnd();
    if (end !== '') draft.endsWithBrace = end.endsWith('}');
    draft.text += delta.length <= this.#room ? delta : withoutHalfKey(delta.slice(0, this.#room));
    this.#room = Math.max(0, this.#room - delta.length);
  }

  /** Parts that were received whole; they count for `length` characters. They replace the part with the same key. */
  put(index: number, parts: MessagePart[], length: number, key?: string | number): void {
    const draft = length <= this.#room ? this.part(index, 'whole', key) : undefined;
    if (!draft) return;
    this.#room = Math.max(0, this.#room - length);
    draft.whole = parts;
  }

  /** Drops the parts of a choice, because all of them are sent again, whole. */
  clear(index: number): void {
    this.#choices.delete(index);
    this.#room = MAX_CONTENT_LENGTH;
  }

  /** The response as far as it was received. */
  answer(complete: boolean): Answer {
    const error = this.#failure();
    const ended = complete && !error;
    const { id, model, extra } = this;
    return {
      response: defined<ModelResponse>({
        id,
        model,
        finishReasons: this.#finishReasons(ended),
        messages: this.#content ? this.#messages(ended) : undefined,
        extra: { ...extra },
      }),
      usage: { ...this.usage },
      complete: ended,
      ...(error && { error }),
    };
  }

  #failure(): Answer['error'] {
    const reason = this.#failureReason;
    if (!this.#error && reason === undefined) return undefined;
    const code = this.#error?.code ?? (reason?.toLowerCase() === 'error' ? undefined : reason) ?? NO_CODE;
    return { ...this.#error, code };
  }

  /**
   * Why each choice ended, in the provider's own words: the conventions have none of their own for it. A reason that
   * was due and was not received is `error`, because the response broke off.
   *
   * Source: semantic-conventions-genai, `gen_ai.response.finish_reasons`.
   */
  #finishReasons(complete: boolean): string[] {
    const reasons: string[] = [];
    for (const { finishReason } of this.#inOrder()) {
      if (finishReason !== undefined) reasons.push(finishReason);
      else if (!complete) reasons.push('error');
    }
    return reasons;
  }

  #messages(complete: boolean): Message[] {
    return this.#inOrder().map(({ parts, last, finishReason }) => ({
      role: 'assistant',
      parts: parts.flatMap((part) =>
        partsOf(
          part === last && !complete && finishReason === undefined
            ? { ...part, text: withoutHalfKey(part.text) }
            : part,
        ),
      ),
      ...(finishReason !== undefined && { finish_reason: finishReason }),
    }));
  }

  #inOrder(): Choice[] {
    return [...this.#choices.values()].sort((first, second) => first.index - second.index);
  }

  #choice(index: number): Choice | undefined {
    const known = this.#choices.get(index);
    if (known || this.#choices.size >= MAX_CHOICES) return known;
    const choice: Choice = { index, parts: [], byKey: undefined };
    this.#choices.set(index, choice);
    return choice;
  }
}

function keysOf(choice: Choice): Map<string | number, PartDraft> {
  choice.byKey ??= new Map();
  return choice.byKey;
}

/** The key under which a call is found by its own id. No wire format calls a part by such a text. */
function idKey(id: string): string {
  return `id ${id}`;
}

/** Text after a key's prefix that is long enough to be part of the key, and is no word. */
const HALF_KEY = /(?=\S*[^a-z])[\w!#$%*+./=?@~-]{8,}$/i;

/** Removes the end of a text that broke off if it may be the first half of a key, which redaction would not know. */
function withoutHalfKey(text: string): string {
  return text.slice(0, -LONGEST_HALF_KEY) + text.slice(-LONGEST_HALF_KEY).replace(HALF_KEY, '');
}

function partsOf(draft: PartDraft): MessagePart[] {
  if (draft.whole) return draft.whole;
  const { type, id, name } = draft;
  if (type === 'tool_call') return [toolCallPart(id, name, draft.text)];
  if (type === 'server_tool_call') return [serverToolCallPart(id, name, { input: readArguments(draft.text) })];
  return textParts(draft.text, type);
}
