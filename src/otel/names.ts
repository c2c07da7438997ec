/**
 * Every name that runtrace puts on the wire, once.
 *
 * `gen_ai.*` follows the GenAI semantic conventions (open-telemetry/semantic-conventions-genai v0.1.0), `http.*`, `url.*`
 * and `server.*` the HTTP ones (semantic-conventions v1.45). No npm package has the new `gen_ai.*` names, so they stand here.
 */

// Run
export const RUN_ID = 'runtrace.run.id';
export const RUN_KIND = 'runtrace.run.kind';
export const RUN_STEP_COUNT = 'runtrace.run.step_count';
export const RUN_ATTEMPT_COUNT = 'runtrace.run.attempt_count';
export const RUN_FAILED_ATTEMPT_COUNT = 'runtrace.run.failed_attempt_count';
export const RUN_HAS_ERROR = 'runtrace.run.has_error';
export const RUN_ENDPOINT = 'runtrace.run.endpoint';
export const RUN_INPUT_TOKENS = 'runtrace.run.input_tokens';
export const RUN_OUTPUT_TOKENS = 'runtrace.run.output_tokens';
/** Only on a run that `keep` kept because `sampledByTraceId` said so: 0.05 stands for 20 runs. */
export const RUN_SAMPLING_RATIO = 'runtrace.run.sampling_ratio';
export const RUN_CACHE_READ_TOKENS = 'runtrace.run.cache_read_tokens';
export const RUN_CACHE_WRITE_TOKENS = 'runtrace.run.cache_write_tokens';
export const RUN_REASONING_TOKENS = 'runtrace.run.reasoning_tokens';
export const RUN_PARENT_CONVERSATION_ID = 'runtrace.run.parent_conversation_id';
export const RUN_ROOT_CONVERSATION_ID = 'runtrace.run.root_conversation_id';

// Run and step
export const STATUS = 'runtrace.status';

// Step
export const STEP_ID = 'runtrace.step.id';
export const STEP_NUMBER = 'runtrace.step.number';
export const STEP_OPERATION = 'runtrace.step.operation';
/** What the AI SDK's model warned of: `unsupported: temperature`. */
export const STEP_WARNINGS = 'runtrace.step.warnings';
export const STEP_ATTEMPT_COUNT = 'runtrace.step.attempt_count';
export const STEP_FAILED_ATTEMPT_COUNT = 'runtrace.step.failed_attempt_count';
export const STEP_ATTEMPT_CODES = 'runtrace.step.attempt_codes';
export const STEP_RETRY_WAIT_MS = 'runtrace.step.retry_wait_ms';
export const STEP_DROPPED_ATTEMPT_COUNT = 'runtrace.step.dropped_attempt_count';
export const STEP_POLL_COUNT = 'runtrace.step.poll_count';
/** Of a response that was queued or in progress when its run ended. */
export const RESPONSE_STATUS = 'runtrace.response.status';

// Attempt: a span event
export const EVENT_ATTEMPT = 'runtrace.attempt';
export const ATTEMPT_NUMBER = 'runtrace.attempt.number';
export const ATTEMPT_STATUS = 'runtrace.attempt.status';
export const ATTEMPT_DURATION_MS = 'runtrace.attempt.duration_ms';
export const ATTEMPT_WAIT_MS = 'runtrace.attempt.wait_ms';
export const ATTEMPT_TIME_TO_FIRST_CHUNK_MS = 'runtrace.attempt.time_to_first_chunk_ms';
export const ATTEMPT_TRUNCATED_BYTES = 'runtrace.attempt.truncated_bytes';

// Status update: a span event
export const EVENT_STATUS_UPDATE = 'runtrace.status_update';
export const STATUS_UPDATE_ACCEPTED = 'runtrace.status_update.accepted';
export const STATUS_UPDATE_LATE_MS = 'runtrace.status_update.late_ms';

// What the AI SDK calls its own
/** `ai.generateText`, `ai.streamText`… */
export const AI_SDK_OPERATION_ID = 'runtrace.ai_sdk.operation_id';
export const AI_SDK_FUNCTION_ID = 'runtrace.ai_sdk.function_id';
/** One operation's id: the steps of one call of `generateText` share it. */
export const AI_SDK_CALL_ID = 'runtrace.ai_sdk.call_id';
/** The number of the step in its operation, from 0, as the AI SDK's hooks and results have it. */
export const AI_SDK_STEP_NUMBER = 'runtrace.ai_sdk.step_number';

// HTTP, URL, server, error and exception conventions
export const HTTP_REQUEST_METHOD = 'http.request.method';
export const HTTP_REQUEST_RESEND_COUNT = 'http.request.resend_count';
export const HTTP_REQUEST_BODY_SIZE = 'http.request.body.size';
export const HTTP_REQUEST_BODY_CONTENT = 'http.request.body.content';
export const HTTP_RESPONSE_STATUS_CODE = 'http.response.status_code';
export const HTTP_RESPONSE_BODY_SIZE = 'http.response.body.size';
export const HTTP_RESPONSE_BODY_CONTENT = 'http.response.body.content';
/** Followed by the lower-case name of the header; the value is a list. */
export const HTTP_REQUEST_HEADER_PREFIX = 'http.request.header.';
/** Followed by the lower-case name of the header; the value is a list. */
export const HTTP_RESPONSE_HEADER_PREFIX = 'http.response.header.';
export const URL_FULL = 'url.full';
export const SERVER_ADDRESS = 'server.address';
export const SERVER_PORT = 'server.port';
export const ERROR_TYPE = 'error.type';
export const EVENT_EXCEPTION = 'exception';
export const EXCEPTION_TYPE = 'exception.type';
export const EXCEPTION_MESSAGE = 'exception.message';
export const EXCEPTION_STACKTRACE = 'exception.stacktrace';
export const USER_ID = 'user.id';

// GenAI
export const GEN_AI_OPERATION_NAME = 'gen_ai.operation.name';
export const GEN_AI_PROVIDER_NAME = 'gen_ai.provider.name';
export const GEN_AI_AGENT_NAME = 'gen_ai.agent.name';
export const GEN_AI_CONVERSATION_ID = 'gen_ai.conversation.id';
export const GEN_AI_OUTPUT_TYPE = 'gen_ai.output.type';
export const GEN_AI_REQUEST_MODEL = 'gen_ai.request.model';
export const GEN_AI_REQUEST_STREAM = 'gen_ai.request.stream';
export const GEN_AI_REQUEST_MAX_TOKENS = 'gen_ai.request.max_tokens';
export const GEN_AI_REQUEST_TEMPERATURE = 'gen_ai.request.temperature';
export const GEN_AI_REQUEST_TOP_P = 'gen_ai.request.top_p';
export const GEN_AI_REQUEST_TOP_K = 'gen_ai.request.top_k';
export const GEN_AI_REQUEST_SEED = 'gen_ai.request.seed';
export const GEN_AI_REQUEST_STOP_SEQUENCES = 'gen_ai.request.stop_sequences';
export const GEN_AI_REQUEST_FREQUENCY_PENALTY = 'gen_ai.request.frequency_penalty';
export const GEN_AI_REQUEST_PRESENCE_PENALTY = 'gen_ai.request.presence_penalty';
export const GEN_AI_REQUEST_CHOICE_COUNT = 'gen_ai.request.choice.count';
export const GEN_AI_REQUEST_REASONING_LEVEL = 'gen_ai.request.reasoning.level';
export const GEN_AI_REQUEST_PREVIOUS_RESPONSE_ID = 'gen_ai.request.previous_response.id';
export const GEN_AI_RESPONSE_ID = 'gen_ai.response.id';
export const GEN_AI_RESPONSE_MODEL = 'gen_ai.response.model';
export const GEN_AI_RESPONSE_FINISH_REASONS = 'gen_ai.response.finish_reasons';
export const GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK = 'gen_ai.response.time_to_first_chunk';
export const GEN_AI_USAGE_INPUT_TOKENS = 'gen_ai.usage.input_tokens';
export const GEN_AI_USAGE_OUTPUT_TOKENS = 'gen_ai.usage.output_tokens';
export const GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS = 'gen_ai.usage.cache_read.input_tokens';
export const GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS = 'gen_ai.usage.cache_write.input_tokens';
/** The older name of cache writes, the only one that Jaeger's GenAI tab knows: written beside the new one. */
export const GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS = 'gen_ai.usage.cache_creation.input_tokens';
export const GEN_AI_USAGE_REASONING_OUTPUT_TOKENS = 'gen_ai.usage.reasoning.output_tokens';
export const GEN_AI_INPUT_MESSAGES = 'gen_ai.input.messages';
export const GEN_AI_OUTPUT_MESSAGES = 'gen_ai.output.messages';
export const GEN_AI_SYSTEM_INSTRUCTIONS = 'gen_ai.system_instructions';
export const GEN_AI_TOOL_DEFINITIONS = 'gen_ai.tool.definitions';
export const GEN_AI_TOOL_NAME = 'gen_ai.tool.name';
export const GEN_AI_TOOL_CALL_ID = 'gen_ai.tool.call.id';
export const GEN_AI_TOOL_TYPE = 'gen_ai.tool.type';
export const GEN_AI_TOOL_DESCRIPTION = 'gen_ai.tool.description';
export const GEN_AI_TOOL_CALL_ARGUMENTS = 'gen_ai.tool.call.arguments';
export const GEN_AI_TOOL_CALL_RESULT = 'gen_ai.tool.call.result';
export const OPENAI_API_TYPE = 'openai.api.type';
export const OPENAI_REQUEST_SERVICE_TIER = 'openai.request.service_tier';
export const OPENAI_RESPONSE_SERVICE_TIER = 'openai.response.service_tier';
export const OPENAI_RESPONSE_SYSTEM_FINGERPRINT = 'openai.response.system_fingerprint';
/** What the AI SDK's older telemetry calls its spans by: `ai.generateText.doGenerate`, `ai.toolCall`; read, never written. */
export const AI_OPERATION_ID = 'ai.operationId';
/** OpenInference's kind of span (`LLM` for a model call). runtrace reads it on the spans of others, and never writes it. */
export const OPENINFERENCE_SPAN_KIND = 'openinference.span.kind';

// Exporter
/** On a span that was too large: how many bytes of its texts were cut. */
export const TRUNCATED_BYTES = 'runtrace.truncated_bytes';
export const METRIC_EXPORTER_SPANS = 'runtrace.exporter.spans';
export const METRIC_EXPORTER_BYTES = 'runtrace.exporter.bytes';
export const METRIC_EXPORTER_HELD = 'runtrace.exporter.held_bytes';
export const EXPORTER_DESTINATION = 'runtrace.exporter.destination';
export const EXPORTER_OUTCOME = 'runtrace.exporter.outcome';
