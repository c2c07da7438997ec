/** What a row of the table is, and what a client can be asked. */

/** A model client, as an application made it. */
export interface Client {
  /** One answer, whole. */
  generate(model: string, ask: Ask): Promise<unknown>;
  /** A streamed answer: something for each event, a text if the event has text. */
  open(model: string, ask: Ask): Promise<AsyncIterable<unknown>>;
  /** The calls that have one result, by what they do. */
  readonly results?: Readonly<Partial<Record<Result, (model: string) => Promise<unknown>>>>;
}

export interface Ask {
  /** Whether the model may call {@link TOOL}. */
  readonly withTool: boolean;
  /** Stops the call, where the client has a way for it. */
  readonly signal: AbortSignal;
}

/** What else than chat a client can be asked. */
export const RESULTS = [
  'embeddings',
  'rerank',
  'images',
  'speech',
  'transcription',
  'moderation',
  'compaction',
] as const;

export type Result = (typeof RESULTS)[number];

/** One client: how it is recorded, and what its calls look like. */
export interface ClientRow {
  /** As the table names it: a package, or two. */
  readonly name: string;
  /** The package whose version the table states, and which says what Node it needs. */
  readonly package: string;
  /** How an application records it. */
  readonly record: string;
  /** The `gen_ai.provider.name` of its calls. */
  readonly provider: string;
  /** The finish reasons of a text and of a tool call; left out if the API has none. */
  readonly finishReasons?: readonly [text: string, toolCall: string];
  /** The `error.type` of a refused request. */
  readonly refusal: string;
  /** Whether it sends a request again that was answered with 429. If not, the application does. */
  readonly retries: boolean;
  /** Makes it. `fetch` is the recording fetch; `addresses` are for a client that does not send by it. */
  make(fetch: typeof globalThis.fetch, addresses: Addresses): Client;
}

/** Where the provider on this machine listens. */
export interface Addresses {
  readonly http1: string;
  readonly http2: string;
}

export const PROMPT = 'How is the weather in Bern?';

/** The prompt as most APIs have it. */
export const MESSAGES: [{ role: 'user'; content: string }] = [{ role: 'user', content: PROMPT }];

/** The tool that a model may call. */
export const TOOL = {
  name: 'get_weather',
  description: 'The weather of a city',
  parameters: {
    type: 'object' as const,
    properties: { city: { type: 'string' as const } },
    required: ['city'],
    additionalProperties: false,
  },
};

/** The tool as most APIs have it. */
export const FUNCTION_TOOL = { type: 'function' as const, function: TOOL };
