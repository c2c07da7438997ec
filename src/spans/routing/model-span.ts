/** Which model span of another instrumentation a call is made in. */
import { type Context, type Span, trace } from '@opentelemetry/api';
import * as names from '../../otel/names.js';
import { unwrapped } from '../../otel/unwrap-span.js';
import { managedSpanOf } from '../settle/managed-span.js';

/** Operations that are one model call. The span of an agent or a tool holds any number of calls. */
const MODEL_OPERATIONS: readonly unknown[] = ['chat', 'text_completion', 'generate_content', 'embeddings'];

/** The AI SDK up to 6, and the legacy integration for 7, name a model call like this: `ai.streamText.doStream`. */
const AI_SDK_MODEL_CALL = /^ai\.\w+\.do(?:Generate|Stream|Embed)$/;

/** The model span that a span was started in, directly or below spans that are neither runtrace's nor an agent's or a tool's. */
const above = new WeakMap<Span, Span>();

/**
 * The innermost model span of another instrumentation in `ctx`, ended or not. It need not be the active span: Next.js, for one, wraps each
 * `fetch` in a span of its own.
 */
export function modelSpanIn(ctx: Context): Span | undefined {
  const span = trace.getSpan(ctx);
  if (!span || managedSpanOf(span)) return undefined;
  switch (kindOf(span)) {
    case 'model call':
      return span;
    case 'other':
      return above.get(unwrapped(span));
  }
}

/** Called when a span of another instrumentation starts in `ctx`. */
export function noteStart(span: Span, ctx: Context): void {
  const model = modelSpanIn(ctx);
  if (model) above.set(unwrapped(span), model);
}

/** What a span of another instrumentation stands for. `other`: nothing of AI, such as an HTTP request. */
function kindOf(span: Span): 'model call' | 'agent or tool' | 'other' {
  const { attributes } = unwrapped(span) as { attributes?: Record<string, unknown> };
  const operation = attributes?.[names.GEN_AI_OPERATION_NAME];
  const kind = attributes?.[names.OPENINFERENCE_SPAN_KIND];
  const aiSdk = attributes?.[names.AI_OPERATION_ID];
  if (MODEL_OPERATIONS.includes(operation) || kind === 'LLM' || AI_SDK_MODEL_CALL.test(`${aiSdk}`)) return 'model call';
  return (operation ?? kind ?? aiSdk) ? 'agent or tool' : 'other';
}
