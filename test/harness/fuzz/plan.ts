/** Where in an application's work an input may enter a recording. */
import type { FinishDetails, RunOptions, StepOptions, ToolOptions } from 'runtrace';
import { hasNamesBesideValues, type Input } from './fuzz.js';
import { type ModelExchange, PROTOCOLS, type Said } from './protocols.js';
import type { Random } from './random.js';

/** The work of one run, with an input at every door that it fits. */
export interface Plan {
  readonly run: RunOptions;
  readonly step: StepOptions;
  readonly tool: ToolOptions;
  readonly toolResult: unknown;
  readonly details: FinishDetails;
  readonly thrown: unknown;
  /** Of the calls in the explicit step, and of the attempt that is recorded by hand. */
  readonly path: string;
  readonly requestHeaders: Readonly<Record<string, string>>;
  readonly requestBody: string;
  readonly responseHeaders: Readonly<Record<string, string>>;
  readonly responseBody: string;
  readonly errorType: string;
  /** The URL of that attempt. */
  readonly url: string;
  /** A call outside of any explicit step. */
  readonly model: ModelExchange;
  /** Whether its answer may break off: half of a JSON text is read as text. */
  readonly mayBreak: boolean;
}

/** What an application says of itself, and what it and its models talk about. */
interface Texts {
  readonly own: string;
  readonly content: string;
  /** In the place of ids, codes and names that come off the wire. */
  readonly label: string;
  readonly data: unknown;
  /** An attribute of its own. */
  readonly attribute: readonly [name: string, value: string];
}

const NOTHING: Texts = { own: 'fine', content: 'fine', label: 'fine', data: null, attribute: ['app.note', 'fine'] };

/** The plan for an input that is to be found nowhere, or everywhere. */
export function planOf(input: Input, random: Random): Plan {
  switch (input.place) {
    case 'header': {
      const headers = { [input.name]: input.value };
      return { ...plan(NOTHING, random), requestHeaders: headers, responseHeaders: headers };
    }
    case 'url':
      return { ...plan(NOTHING, random), path: input.url, url: input.url };
    case 'text':
      return plan({ ...NOTHING, own: input.text, content: input.text, label: input.text, data: input.text }, random);
    case 'attribute':
      return plan({ ...NOTHING, attribute: [input.name, input.value] }, random);
    case 'json':
      return plan({ ...NOTHING, content: JSON.stringify(input.value), data: input.value }, random);
    case 'body': {
      const headers: Record<string, string> = input.contentType ? { 'content-type': input.contentType } : {};
      return {
        ...plan(NOTHING, random),
        requestHeaders: headers,
        requestBody: input.text,
        responseHeaders: headers,
        responseBody: input.text,
      };
    }
  }
}

/** The plan for a text that is nothing but what was asked and answered. */
export function contentPlan(content: string, random: Random): Plan {
  return plan({ ...NOTHING, content, label: content, data: { content } }, random);
}

function plan({ own, content, label, data, attribute: [name, value] }: Texts, random: Random): Plan {
  const attributes = { [name]: value };
  const list = { [name]: [value, value] };
  const part = { type: 'text', content };
  const messages = [{ role: 'user', parts: [part, { type: 'tool_call', name: 'f', arguments: data }] }];
  const said: Said = { asked: content, data, answered: pieces(content, random), label };
  return {
    run: {
      kind: own,
      ...(random.chance(0.5) && { agentName: own }),
      conversationId: own,
      userId: own,
      parentConversationId: own,
      rootConversationId: own,
      attributes,
    },
    step: {
      operation: own,
      provider: own,
      model: own,
      conversationId: own,
      userId: own,
      attributes,
      request: {
        messages,
        systemInstructions: [part],
        toolDefinitions: [{ name: 'f', description: content, parameters: data }],
        stopSequences: [content],
        reasoningLevel: own,
        previousResponseId: own,
        outputType: own,
        extra: attributes,
      },
    },
    tool: { name: own, callId: own, type: own, description: own, arguments: data ?? content, attributes: list },
    toolResult: { content, data },
    details: {
      response: { id: own, model: own, finishReasons: [own], messages, extra: list },
      attributes,
      error: errorOf(content, own),
    },
    thrown: errorOf(content, own),
    path: '/anything',
    requestHeaders: { 'x-own': 'fine' },
    requestBody: JSON.stringify({ asked: content, data }),
    responseHeaders: { 'content-type': 'application/json' },
    responseBody: JSON.stringify({ answered: content, data }),
    errorType: own,
    url: 'https://api.example.com/anything',
    model: random.pick(PROTOCOLS)(said),
    mayBreak: !hasNamesBesideValues(content),
  };
}

/** An error as the model clients throw it. */
function errorOf(message: string, own: string): Error {
  const error = { type: message, code: message, message };
  return Object.assign(new Error(message, { cause: new Error(message) }), {
    name: own,
    code: message,
    error: { error },
  });
}

function pieces(text: string, random: Random): string[] {
  const all: string[] = [];
  for (let at = 0; at < text.length; ) {
    const length = random.integer(1, 40);
    all.push(text.slice(at, at + length));
    at += length;
  }
  return all;
}
