/**
 * The least that a recorder at the wire does: it reads what a call asks for and what is answered, and writes that to a span. It is no recorder to
 * use: it holds an answer back until it has all of it, and knows no retry, no stop, no error and no secret.
 */
import { context, type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type OpenAI from 'openai';
import { attributesOf, messageJson, now } from './by-hand.js';

type Fetch = typeof globalThis.fetch;

/** Reads a request, and begins a span with the attributes of `example` and the model that the request asks for. */
export function spanOfRequest(tracer: Tracer, example: ReadableSpan, ...[input, init]: Parameters<Fetch>): Span {
  const { hostname } = new URL(String(input));
  const headers = new Headers(init?.headers);
  const { model } = JSON.parse(String(init?.body)) as OpenAI.ChatCompletionCreateParams;
  return tracer.startSpan(`chat ${model}`, {
    kind: example.kind,
    startTime: now(),
    attributes: {
      ...attributesOf(example).first,
      'gen_ai.request.model': model,
      'server.address': hostname,
      'http.request.resend_count': Number(headers.get('x-stainless-retry-count')),
    },
  });
}

/** A `fetch` that writes a span for each call, with the attributes and events of `example`: of those that both bodies tell, the values read there. */
export function readingFetch(fetch: Fetch, tracer: Tracer, example: ReadableSpan): Fetch {
  const { rest } = attributesOf(example);
  const withContent = 'gen_ai.input.messages' in rest;
  return async (input, init) => {
    const span = spanOfRequest(tracer, example, input, init);
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
