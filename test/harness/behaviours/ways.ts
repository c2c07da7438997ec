/** Every way a call can go: what the provider does, what the application does, and what must be exported of it. */

import { once } from 'node:events';
import { createServer, get, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { VERSION } from 'openai/version';
import type { Status } from 'runtrace';
import {
  type Behaviour,
  empty,
  endWithoutLastEvent,
  errorEventMidStream,
  garbage,
  halfJson,
  hang,
  html,
  hugeBody,
  ok,
  resetBeforeHeaders,
  resetInHeaders,
  resetMidStream,
  slow,
  stallMidStream,
  status,
} from '../../../examples/demo/provider.js';
import type { CallOptions, Client, ClientMaker } from '../../support/clients.js';

/** What an application has in its hands when it makes a call. */
export interface Call {
  /** No other call asks for it. */
  readonly model: string;
  /** What of the answer has reached the application so far. */
  text: string;
  /** Tells the provider how to behave, for this model or another one. */
  script(behaviours: readonly Behaviour[], model?: string): void;
  client(maxRetries?: number): Client;
  /** Around one logical call; an explicit step where that is tried. */
  step<T>(model: string, fn: () => Promise<T>): Promise<T>;
  reuse<T>(fn: () => Promise<T>): Promise<T>;
}

/** What can be known before the judgement. */
export interface Circumstances {
  readonly maker: ClientMaker;
  /** Whether the call was made in an explicit step. */
  readonly explicit: boolean;
  /** How often the client called `fetch`, and whether the application got an error, without us. */
  readonly fetchCalls: number;
  readonly threw: boolean;
}

/** One step, as it must look. */
export interface ExpectedStep {
  readonly model: string;
  readonly status: Exclude<Status, 'in_progress'>;
  /** Each one's HTTP status, if it got one, and its status: `429 failed`. */
  readonly attempts: readonly string[];
  /** What the wire says went wrong. In an explicit step the client's error says it. */
  readonly errorType?: string | readonly string[];
  /** Whether its attempts are the same request again; so if it isn't said. */
  readonly resends?: false;
}

export interface Expected {
  readonly steps: readonly ExpectedStep[];
  /** What is less than one would wish, and why. */
  readonly note?: string;
}

/** A row of the table. */
export interface Way {
  readonly name: string;
  /** Why it can't be done a thousand times at once: it moves much, or a clock decides, which is late on a busy machine. */
  readonly alone?: 'moves much' | 'by the clock';
  /** Whether its connection stays open until the garbage collector finds the answer. */
  readonly leftOpen?: true;
  play(call: Call): Promise<unknown>;
  expected(model: string, circumstances: Circumstances): Expected;
}

/** No client gets all of it before it can be stopped. */
const LONG = 'One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen. '.repeat(20);
const HUGE_BYTES = 100_000_000;
/** Long enough for a client that says its timeout in whole seconds. */
const TIMEOUT_MILLIS = 1500;
/** Too short for such a client to say it, or, as `@google/genai` rounds it up, to say it right; long enough for a request to arrive. */
const SHORT_TIMEOUT_MILLIS = 600;
const WAIT_MILLIS = 20;
/** The model that is asked when the first one fails. */
export const fallbackOf = (model: string) => `${model}-b`;

const text = (call: Call) => ({
  text: `Hello, this is ${call.model} and no other.`,
  usage: { input: 31, output: 17 },
});
const busy = (code: number) => status(code, { retryAfterMillis: WAIT_MILLIS });

type ErrorTypes = Readonly<Record<ClientMaker['provider'], string>>;

/** The providers' own words, as ours says them. */
const RATE_LIMITED: ErrorTypes = {
  openai: 'rate_limit_exceeded',
  anthropic: 'rate_limit_error',
  'gcp.gemini': 'RESOURCE_EXHAUSTED',
  mistral_ai: 'rate_limit_exceeded',
  cohere: '429',
  ollama: '429',
  'aws.bedrock': 'ThrottlingException',
  vercel: 'rate_limit_exceeded',
};
const REFUSED: ErrorTypes = {
  openai: 'invalid_request_error',
  anthropic: 'invalid_request_error',
  'gcp.gemini': 'INVALID_ARGUMENT',
  mistral_ai: 'invalid_request_error',
  cohere: '400',
  ollama: '400',
  'aws.bedrock': 'ValidationException',
  vercel: 'invalid_request_error',
};
const SERVER_ERROR: ErrorTypes = {
  openai: 'server_error',
  anthropic: 'api_error',
  'gcp.gemini': 'INTERNAL',
  mistral_ai: 'server_error',
  cohere: 'provider_error',
  ollama: 'provider_error',
  'aws.bedrock': 'provider_error',
  vercel: 'internal_server_error',
};
/** With a status of 500. */
const FAILED: ErrorTypes = {
  ...SERVER_ERROR,
  cohere: '500',
  ollama: '500',
  'aws.bedrock': 'InternalServerException',
};
const STREAM_ERROR: ErrorTypes = {
  openai: 'server_error',
  anthropic: 'overloaded_error',
  'gcp.gemini': 'UNAVAILABLE',
  mistral_ai: '500',
  cohere: 'provider_error',
  ollama: 'provider_error',
  'aws.bedrock': 'modelStreamErrorException',
  vercel: 'server_error',
};

/** Which of them undici says is a matter of microseconds. */
export const RESET: readonly string[] = ['ECONNRESET', 'UND_ERR_SOCKET'];

/** A way of one logical call. */
function single(play: (call: Call) => Promise<unknown>): Way['play'] {
  return (call) => call.step(call.model, () => play(call));
}

async function generate(call: Call, options?: CallOptions, maxRetries?: number): Promise<void> {
  call.text += (await call.client(maxRetries).generate(call.model, options)) ?? '';
}

async function stream(call: Call, options?: CallOptions, maxRetries?: number): Promise<void> {
  for await (const piece of await call.client(maxRetries).open(call.model, options)) call.text += piece;
}

/** Its first pieces have text. */
const IN_MID_STREAM = stallMidStream(4);
/** A second: a client that hands out no text until then never does. */
const MOST_TURNS = 100;

/** Does what a provider does, and tells when the client has got it, and the application its text in mid-stream. */
function andThen(behaviour: Behaviour, call: Call, tell: () => void): Behaviour {
  return async (exchange) => {
    const done = behaviour(exchange);
    const isTextDue = () => behaviour === IN_MID_STREAM && call.text === '';
    // Both sides are in this process, so what was written is read in one of the next turns; but a busy machine may hand it over later.
    for (let turn = 0; turn < 3 || (isTextDue() && turn < MOST_TURNS); turn++) await sleep(10);
    tell();
    await done;
  };
}

/** Sends half of the headers, and then nothing. */
function stallInHeaders(): Behaviour {
  return (exchange) => void exchange.response.socket?.write('HTTP/1.1 200 OK\r\ncontent-type: text/ev');
}

type StepFacts = Omit<ExpectedStep, 'model'>;

/** What is expected of the one step of a call. */
function one(facts: (circumstances: Circumstances) => StepFacts & { note?: string }): Way['expected'] {
  return (model, circumstances) => {
    const { note, ...step } = facts(circumstances);
    return { steps: [{ model, ...step }], ...(note !== undefined && { note }) };
  };
}

const completed = (...attempts: string[]) => one(() => ({ status: 'completed', attempts }));

/** Answered at last, if the client retries; else the first attempt counts. */
const retried =
  (first: string, errorType: ErrorTypes | readonly string[], ...others: string[]): Way['expected'] =>
  (model, circumstances) =>
    circumstances.fetchCalls > 1
      ? completed(first, ...others)(model, circumstances)
      : failed(first, errorType)(model, circumstances);

/** The caller stopped it. Nothing is there if the client didn't even begin. */
const interrupted = (attempt: string): Way['expected'] => {
  return (model, { fetchCalls, explicit }) => {
    if (fetchCalls === 0 && !explicit) return { steps: [] };
    return { steps: [{ model, status: 'interrupted', attempts: Array(fetchCalls).fill(attempt) }] };
  };
};

/** Every attempt failed in the same way. */
const failed = (attempt: string, errorType: ErrorTypes | readonly string[]) =>
  one(({ maker, fetchCalls }) => ({
    status: 'error',
    attempts: Array(fetchCalls).fill(attempt),
    errorType: 'openai' in errorType ? errorType[maker.provider] : errorType,
  }));

/** A 2xx that makes no sense: an explicit step is what its scope says. */
const invalid = one(({ explicit, threw, fetchCalls }) => ({
  status: explicit && !threw ? 'completed' : 'error',
  attempts: Array(fetchCalls).fill('200 failed'),
  errorType: 'invalid_response',
}));

function nonsense(name: string, behaviour: Behaviour): readonly Way[] {
  const way = (kind: string, play: (call: Call) => Promise<void>): Way => ({
    name: `200 with ${name}, ${kind}`,
    play: single((call) => {
      call.script([behaviour]);
      return play(call);
    }),
    expected: invalid,
  });
  return [way('whole', (call) => generate(call)), way('streamed', (call) => stream(call))];
}

type Ask = (call: Call, options?: CallOptions, maxRetries?: number) => Promise<void>;

/** A call that is aborted once the behaviour has been seen. */
function abortedWith(reason: unknown, behaviour: Behaviour, ask: Ask): Way['play'] {
  return single((call) => {
    const controller = new AbortController();
    call.script([andThen(behaviour, call, () => controller.abort(reason))]);
    return ask(call, { signal: controller.signal });
  });
}

function aborted(name: string, behaviour: Behaviour, attempt: string, ask: Ask = stream): Way {
  return {
    name: `abort ${name}`,
    play: abortedWith(undefined, behaviour, ask),
    expected: interrupted(attempt),
  };
}

/** What `AbortSignal.timeout` does when its time is over, at a moment that doesn't depend on how busy the machine is. */
function timeoutOfSignal(behaviour: Behaviour, ask: Ask): Way['play'] {
  return abortedWith(new DOMException('The operation was aborted due to timeout', 'TimeoutError'), behaviour, ask);
}

function reset(name: string, behaviour: Behaviour, attempt: string, ask: Ask = stream, maxRetries = 1): Way {
  return {
    name: `reset ${name}`,
    play: single((call) => {
      call.script([behaviour]);
      return ask(call, undefined, maxRetries);
    }),
    expected: failed(attempt, RESET),
  };
}

const NOT_TOLD_BY_CLIENT =
  'the client aborts its fetch without a reason, so nothing there tells its timeout from an abort';
const TOLD_TOO_LATE =
  'only the retry shows that it was a timeout, and then the attempt is on a span of another instrumentation, where nothing can be changed';
const NOT_TOLD_OF_SIGNAL =
  'the client hands on the abort of its signal without the reason, so nothing at fetch tells a timeout from an abort';

/** A time limit that ran out, where the client tells of it; else it looks like an abort, and is one. */
function timedOut(attempt: string, tells: (circumstances: Circumstances) => boolean, note: string): Way['expected'] {
  return one((circumstances) => {
    const { fetchCalls } = circumstances;
    if (!tells(circumstances)) {
      return { status: 'interrupted', attempts: Array(fetchCalls).fill(`${attempt}aborted`), note };
    }
    return {
      status: 'error',
      attempts: Array(fetchCalls).fill(`${attempt}failed`),
      // axios says ETIMEDOUT.
      errorType: ['timeout', 'TimeoutError', 'ETIMEDOUT'],
    };
  });
}

const isNumbered = ({ maker }: Circumstances) => maker.numbersRetries;
/** openai 6 and earlier abort their fetch without the reason of the caller's signal. */
const openaiTellsReason = Number.parseInt(VERSION, 10) >= 7;
const tellsReason = ({ maker }: Circumstances) =>
  maker.tellsReason === true || (openaiTellsReason && maker.name.startsWith('openai'));
const tellsTimeout = ({ maker }: Circumstances) => maker.tellsTimeout === true;

export const WAYS: readonly Way[] = [
  {
    name: 'answered',
    play: single((call) => {
      call.script([ok(text(call))]);
      return generate(call);
    }),
    expected: completed('200 completed'),
  },
  {
    name: '429, 429, 200 by the client’s own retry',
    play: single((call) => {
      call.script([busy(429), busy(429), ok(text(call))]);
      return generate(call);
    }),
    expected: retried('429 failed', RATE_LIMITED, '429 failed', '200 completed'),
  },
  {
    name: 'all fail, the client throws',
    play: single((call) => {
      call.script([busy(429)]);
      return generate(call);
    }),
    expected: failed('429 failed', RATE_LIMITED),
  },
  {
    name: 'refused for good',
    play: single((call) => {
      call.script([status(400)]);
      return stream(call);
    }),
    expected: failed('400 failed', REFUSED),
  },
  {
    name: 'stream to the end',
    play: single((call) => {
      call.script([slow(1, text(call))]);
      return stream(call);
    }),
    expected: completed('200 completed'),
  },
  {
    name: 'stream: 500, then 200',
    play: single((call) => {
      call.script([busy(500), slow(1, text(call))]);
      return stream(call);
    }),
    expected: retried('500 failed', FAILED, '200 completed'),
  },
  {
    name: 'abort before the call',
    play: single((call) => stream(call, { signal: AbortSignal.abort() })),
    expected: interrupted('aborted'),
  },
  aborted('while waiting for the headers', hang(), 'aborted'),
  aborted('in the headers', stallInHeaders(), 'aborted'),
  aborted('in mid-stream', IN_MID_STREAM, '200 aborted'),
  aborted('in mid-answer', stallMidStream(2), '200 aborted', generate),
  {
    name: 'break out of for await',
    play: single(async (call) => {
      call.script([slow(3, { text: LONG })]);
      for await (const piece of await call.client().open(call.model)) {
        call.text += piece;
        if (call.text.length > 20) break;
      }
    }),
    expected: interrupted('200 aborted'),
  },
  {
    name: 'break at the start of 100 MB',
    alone: 'moves much',
    play: single(async (call) => {
      call.script([hugeBody(HUGE_BYTES)]);
      for await (const _piece of await call.client().open(call.model)) break;
    }),
    expected: interrupted('200 aborted'),
  },
  {
    name: 'stream never read, 100 MB',
    alone: 'moves much',
    leftOpen: true,
    play: single((call) => {
      call.script([hugeBody(HUGE_BYTES)]);
      return call.client().open(call.model);
    }),
    expected: (model, circumstances) =>
      interrupted(circumstances.maker.readsAhead ? '200 aborted' : '200 unread')(model, circumstances),
  },
  {
    name: 'the client of the application goes away',
    play: single(async (call) => {
      call.script([slow(3, { text: LONG })]);
      const { response, leave, close } = await visit();
      const pieces = Readable.from(await call.client().open(call.model));
      pieces.once('data', leave);
      await pipeline(pieces, response).catch(() => {});
      await close();
    }),
    expected: interrupted('200 aborted'),
  },
  reset('before the headers', resetBeforeHeaders(), 'failed'),
  // Node calls these resets ECONNRESET or, on a busy machine, UND_ERR_SOCKET: the AWS SDK retries the first only, so nothing is to be retried.
  reset('in the headers', resetInHeaders(), 'failed', stream, 0),
  reset('in mid-answer', resetMidStream(2), '200 failed', generate, 0),
  reset('in mid-stream', resetMidStream(4), '200 failed'),
  {
    name: 'reset, then 200',
    play: single((call) => {
      call.script([resetBeforeHeaders(), ok(text(call))]);
      return generate(call);
    }),
    expected: retried('failed', RESET, '200 completed'),
  },
  {
    name: 'error event inside the stream',
    play: single((call) => {
      call.script([errorEventMidStream(4)]);
      return stream(call, undefined, 0);
    }),
    expected: failed('200 failed', STREAM_ERROR),
  },
  {
    name: '200 with an error in it',
    play: single((call) => {
      call.script([errorEventMidStream()]);
      return generate(call, undefined, 0);
    }),
    expected: failed('200 failed', SERVER_ERROR),
  },
  {
    name: 'timeout of the client',
    alone: 'by the clock',
    play: single((call) => {
      call.script([hang()]);
      return generate(call, { timeoutMillis: TIMEOUT_MILLIS }, 0);
    }),
    expected: timedOut('', (c) => isNumbered(c) || tellsTimeout(c), NOT_TOLD_BY_CLIENT),
  },
  {
    name: 'timeout of the client, then 200',
    alone: 'by the clock',
    play: single((call) => {
      call.script([hang(), ok(text(call))]);
      return generate(call, { timeoutMillis: SHORT_TIMEOUT_MILLIS }, 1);
    }),
    expected: (model, circumstances) => {
      if (circumstances.fetchCalls === 1) return timedOut('', tellsTimeout, NOT_TOLD_BY_CLIENT)(model, circumstances);
      if (circumstances.maker.name.endsWith('traced') && !circumstances.explicit) {
        return { steps: [{ model, status: 'completed', attempts: ['aborted', '200 completed'] }], note: TOLD_TOO_LATE };
      }
      if (circumstances.explicit || isNumbered(circumstances) || tellsTimeout(circumstances))
        return completed('failed', '200 completed')(model, circumstances);
      return {
        steps: [
          { model, status: 'interrupted', attempts: ['aborted'] },
          { model, status: 'completed', attempts: ['200 completed'] },
        ],
        note: `${NOT_TOLD_BY_CLIENT}; the retry is not numbered either, so it is a step of its own (in an explicit step it is one with it)`,
      };
    },
  },
  {
    name: 'AbortSignal.timeout, waiting',
    play: timeoutOfSignal(hang(), generate),
    expected: timedOut('', tellsReason, NOT_TOLD_OF_SIGNAL),
  },
  {
    name: 'AbortSignal.timeout, in mid-stream',
    play: timeoutOfSignal(IN_MID_STREAM, stream),
    expected: timedOut('200 ', tellsReason, NOT_TOLD_OF_SIGNAL),
  },
  ...nonsense('garbage', garbage()),
  ...nonsense('nothing', empty()),
  ...nonsense('HTML', html()),
  ...nonsense('half a JSON', halfJson()),
  {
    name: 'stream without its last event',
    play: single((call) => {
      call.script([endWithoutLastEvent(text(call))]);
      return stream(call);
    }),
    expected: invalid,
  },
  {
    name: 'fallback: model A fails, model B answers',
    play: async (call) => {
      call.script([status(400)]);
      call.script([ok(text(call))], fallbackOf(call.model));
      await call.step(call.model, () => generate(call)).catch(() => askB(call));
    },
    expected: (model, { maker }) => ({
      steps: [
        { model, status: 'error', attempts: ['400 failed'], errorType: REFUSED[maker.provider] },
        { model: fallbackOf(model), status: 'completed', attempts: ['200 completed'] },
      ],
    }),
  },
  {
    name: 'fallback in one reuse scope',
    play: (call) => {
      call.script([status(400)]);
      call.script([ok(text(call))], fallbackOf(call.model));
      return call.reuse(() => call.step(call.model, () => generate(call)).catch(() => askB(call)));
    },
    expected: (model) => ({
      steps: [
        { model: fallbackOf(model), status: 'completed', attempts: ['400 failed', '200 completed'], resends: false },
      ],
    }),
  },
];

async function askB(call: Call): Promise<void> {
  const model = fallbackOf(call.model);
  await call.step(model, async () => {
    call.text += await call.client().generate(model);
  });
}

/** A user asks the application's own server for something; what is to be answered, and how to have the user leave. */
async function visit(): Promise<{ response: ServerResponse; leave: () => void; close: () => Promise<unknown> }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const visitor = get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', agent: false });
  visitor.on('error', () => {});
  visitor.on('response', (incoming) => incoming.on('error', () => {}));
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse];
  return {
    response,
    leave: () => visitor.destroy(),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
