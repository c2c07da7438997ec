import type { Attributes } from '@opentelemetry/api';
import type { ModelRequest } from '../../otel/genai.js';
import type { MayLack } from '../../util/validation.js';

/**
 * What a step is about. Of a call in a format that runtrace reads, operation, provider, model and request need not be given; what is given
 * comes before what was read.
 */
export interface StepOptions {
  /** A `gen_ai.operation.name`: `chat`, `embeddings`… Default: what the call is, `chat` if that is not known. */
  operation?: string | null | undefined;
  /** A `gen_ai.provider.name`: `openai`, `anthropic`, `gcp.gemini`… */
  provider?: string | null | undefined;
  /** The model that is asked. */
  model?: string | null | undefined;
  /** The conversation, if it is another than the run's. */
  conversationId?: string | null | undefined;
  /** The user, if it is another than the run's. */
  userId?: string | null | undefined;
  /** What is asked of the model, in the shape of the GenAI conventions. */
  request?: MayLack<ModelRequest> | null | undefined;
  /** Further attributes, under their full names. Strings are redacted. */
  attributes?: Attributes | null | undefined;
}
