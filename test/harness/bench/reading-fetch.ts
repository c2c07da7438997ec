/**
 * The least that a recorder at the wire does: it reads what a call asks for and what is answered, and writes that to a span. These are no recorders to
 * use: they hold a whole answer back until they have all of it, and know no retry, no stop, no error, no secret and no reader but the client's.
 */
import { context, type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type OpenAI from 'openai';
import { attributesOf, messageJson, now } from './by-hand.js';

type Fetch = typeof globalThis.fetch;

/** Makes what reads a request and begins a span: with the attributes of `example`, and the model that the request asks for. */
export function requestReader(tracer: Tracer, example: ReadableSpan): (...request: Parameters<Fetch>) => Span {
  const { kind } = example;
  const { first } = attributesOf(example);
  return (input, init) => {
    const { hostname } = new URL(String(input));
    const headers = new Headers(init?.headers);
    const { model } = JSON.parse(String(init?.body)) as OpenAI.ChatCompletionCreateParams;
    return tracer.startSpan(`chat ${model}`, {
      kind,
      startTime: now(),
      attributes: {
        ...first,
        'gen_ai.request.model': model,
        'server.address': hostname,
        'http.request.resend_count': Number(headers.get('x-stainless-retry-count')),
      },
    });
  };
}

/** A `fetch` that writes a span for each call, with the attributes and events of `example`: of those that both bodies tell, the values read there. */
export function readingFetch(fetch: Fetch, tracer: Tracer, example: ReadableSpan): Fetch {
  const { rest } = attributesOf(example);
  const begin = requestReader(tracer, example);
  const withContent = 'gen_ai.input.messages' in rest;
  return async (input, init) => {
    const span = begin(input, init);
    const response = await context.with(trace.setSpan(context.active(), span), () => fetch(input, init));
    const { status, headers } = response;
    const text = await response.text();
    const { id, model, choices, usage } = JSON.parse(text) as OpenAI.ChatCompletion;
    for (const { name, attributes } of example.events) {
      span.addEvent(
        name,
        {
          ...attributes,
          'http.response.status_code': status,
          'http.response.header.content-type': [headers.get('content-type') ?? ''],
          ...(withContent && { 'http.request.body.content': String(init?.body), 'http.response.body.content': text }),
        },
        now(),
      );
    }
    span.setAttributes({
      ...rest,
      'gen_ai.response.id': id,
      'gen_ai.response.model': model,
      'gen_ai.response.finish_reasons': choices.map((choice) => choice.finish_reason),
      'gen_ai.usage.input_tokens': usage?.prompt_tokens,
      'gen_ai.usage.output_tokens': usage?.completion_tokens,
      ...(withContent && { 'gen_ai.output.messages': messageJson('assistant', choices[0]?.message.content ?? '') }),
    });
    span.setStatus({ code: SpanStatusCode.OK });
    span.end(now());
    return new Response(text, { status, headers });
  };
}

/** What tells how a stream goes on, beside its text. */
const TELLING = ['"finish_reason":"', '"usage":{', '"error":'].map((text) => Buffer.from(text));

/** A `fetch` that searches each chunk of a streamed answer as the client reads it. With `content`, it parses each and collects its text. */
export function searchingFetch(fetch: Fetch, tracer: Tracer, content: boolean): Fetch {
  return async (input, init) => {
    const { model } = JSON.parse(String(init?.body)) as OpenAI.ChatCompletionCreateParams;
    const span = tracer.startSpan(`chat ${model}`);
    const response = await context.with(trace.setSpan(context.active(), span), () => fetch(input, init));
    const body = response.body as ReadableStream<Uint8Array>;
    const reasons: string[] = [];
    let answer = '';
    const readEvent = (bytes: Buffer) => {
      const data = bytes.toString().slice('data: '.length);
      if (data.startsWith('[DONE]')) return;
      const [choice] = (JSON.parse(data) as OpenAI.ChatCompletionChunk).choices;
      answer += choice?.delta.content ?? '';
      if (choice?.finish_reason) reasons.push(choice.finish_reason);
    };
    const look = (result: IteratorResult<Uint8Array, undefined>) => {
      if (result.done) {
        span.setAttribute('gen_ai.response.finish_reasons', reasons);
        if (content) span.setAttribute('gen_ai.output.messages', messageJson('assistant', answer));
        span.end();
      } else {
        const bytes = Buffer.from(result.value.buffer, result.value.byteOffset, result.value.byteLength);
        if (content || TELLING.some((text) => bytes.includes(text))) readEvent(bytes);
      }
      return result;
    };
    const iterate = body[Symbol.asyncIterator];
    body[Symbol.asyncIterator] = () => {
      const iterator = iterate.call(body);
      const { next } = iterator;
      return Object.assign(iterator, { next: () => next().then(look) });
    };
    return response;
  };
}
