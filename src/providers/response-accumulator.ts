import type { Attributes } from '@opentelemetry/api';
import type { Message, MessagePart, ModelResponse, Usage } from '../otel/genai.js';
import { defined, identifier } from '../util/json-fields.js';
import type { Answer } from './format.js';
import { readArguments, serverToolCallPart, textParts, toolCallPart } from './message-parts.js';
import type { ProviderError } from './provider-error.js';

/** More answers to one question than any provider gives. */
const MAX_CHOICES = 128;

/**
 * How much of a streamed answer's content is put together, in characters: 1 Mi, some 250 000 tokens. The rest is left
 * out.
 */
const MAX_CONTENT_LENGTH = 1 << 20;

/** Most that is taken off: a longer key has its shape by then. */
const LONGEST_HALF_KEY = 256;

/** What a part takes of that at least, so that empty ones are bounded too. */
const PART_LENGTH = 64;

/** A part of a message that is being put together. */
export interface PartDraft {
  readonly type: string;
  text: string;
  id?: unknown;
  name?: unknown;
  /** What came whole: it counts, then, and not the text. */
  whole?: MessagePart[];
}

interface Choice {
  readonly index: number;
  finishReason?: string;
  /** In the order in which they began. */
  readonly parts: Map<string | number, PartDraft>;
  last?: PartDraft;
}

/** An answer that is being put together, in bounded memory. The protocols' readers fill it. */
export class ResponseAccumulator {
  id: string | undefined;
  model: string | undefined;
  usage: Usage = {};
  readonly extra: Attributes = {};
  readonly #content: boolean;
  readonly #choices = new Map<number, Choice>();
  #room = MAX_CONTENT_LENGTH;
  #error: Answer['error'];

  /** Messages are put together only if `content`. */
  constructor(content: boolean) {
    this.#content = content;
  }

  /**
   * The provider says that it failed. The first thing it says counts; a code that it doesn't give is `_OTHER`, as for
   * any `error.type`.
   */
  fail(error: ProviderError): void {
    this.#error ??= { code: '_OTHER', ...error };
  }

  /** There is a choice `index`; `finishReason` is why it ended, if it has. */
  choice(index: number, finishReason?: unknown): void {
    const choice = this.#choice(index);
    const reason = identifier(finishReason);
    if (choice && reason !== undefined) choice.finishReason = reason;
  }

  /** Whether there is a choice, and each one has its finish reason. */
  get finished(): boolean {
    for (const choice of this.#choices.values()) if (choice.finishReason === undefined) return false;
    return this.#choices.size > 0;
  }

  /** Text that goes on where the choice is, or begins a new part if what is there is of another type. */
  append(index: number, type: string, delta: unknown): void {
    if (delta === '' || typeof delta !== 'string') return;
    const last = this.#choice(index)?.last;
    this.extend(last?.type === type && !last.whole ? last : this.part(index, type), delta);
  }

  /** The part that the protocol knows by `key`, begun now if it is new. `undefined` if it isn't kept. */
  part(index: number, type: string, key?: string | number): PartDraft | undefined {
    const choice = this.#choice(index);
    if (!this.#content || !choice) return undefined;
    const known = key === undefined ? undefined : choice.parts.get(key);
    if (known) return known;
    if (this.#room < PART_LENGTH) return undefined;
    this.#room -= PART_LENGTH;
    const draft: PartDraft = { type, text: '' };
    choice.parts.set(key ?? choice.parts.size, draft);
    choice.last = draft;
    return draft;
  }

  /** More text for a part. */
  extend(draft: PartDraft | undefined, delta: unknown): void {
    if (!draft || typeof delta !== 'string') return;
    draft.text += delta.length <= this.#room ? delta : withoutHalfKey(delta.slice(0, this.#room));
    this.#room = Math.max(0, this.#room - delta.length);
  }

  /** Parts that came whole; they take `length` characters. They replace what the same `key` had. */
  put(index: number, parts: MessagePart[], length: number, key?: string | number): void {
    const draft = length <= this.#room ? this.part(index, 'whole', key) : undefined;
    if (!draft) return;
    this.#room = Math.max(0, this.#room - length);
    draft.whole = parts;
  }

  /** Forgets the parts of a choice, because all of them come again, whole. */
  clear(index: number): void {
    this.#choices.delete(index);
    this.#room = MAX_CONTENT_LENGTH;
  }

  /** The answer as far as it has come. */
  answer(complete: boolean): Answer {
    const ended = complete && !this.#error;
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
      ...(this.#error && { error: { ...this.#error } }),
    };
  }

  /**
   * Why each choice ended, in the provider's own words: the conventions have none of their own for it. A reason that
   * was due and didn't come is `error`, because the answer broke off.
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
      parts: [...parts.values()].flatMap((part) =>
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
    const choice: Choice = { index, parts: new Map() };
    this.#choices.set(index, choice);
    return choice;
  }
}

/** Long enough for something of a key behind its prefix, and no word. */
const HALF_KEY = /(?=\S*[^a-z])[\w!#$%*+./=?@~-]{8,}$/i;

/** Where a text broke off, its end may be half of a key, which has no shape any more. */
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
