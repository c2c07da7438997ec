import type { Attributes, AttributeValue, Span } from '@opentelemetry/api';
import { AttributeWriter } from '../capture/attribute-writer.js';
import { keepValues } from '../capture/captured-content.js';
import { contentWriter, writeContent, writeRequest, writeResponse, writeUsage } from '../capture/genai-writer.js';
import type { CaptureSettings } from '../capture/levels.js';
import type { ModelRequest, ModelResponse, Usage } from '../otel/genai.js';
import * as names from '../otel/names.js';
import type { ModelCall } from '../providers/detect.js';
import { urlParts } from '../util/url-parts.js';
import { merged } from '../util/validation.js';
import type { AttemptLog } from './attempts/attempt-log.js';
import type { Resends } from './attempts/resends.js';
import type { Proposal } from './outcome/proposals.js';
import type { StepOptions } from './outcome/step-options.js';
import { unfinishedStatus } from './routing/background-response.js';
import type { StepHome } from './run-part.js';

/** How a step begins. */
export interface StepBeginning {
  /** Whether it is made for a model call outside of any `step()`. */
  readonly implicit: boolean;
  readonly options: StepOptions;
  /** The name of a step whose call is in a format that runtrace does not read. Nothing is known of its operation. */
  readonly plainName?: string;
  /** What it continues, if its attempts began on another span. */
  readonly continues?: { readonly startedAt: number; readonly log: AttemptLog; readonly resends: Resends };
}

/** The name and the attributes that a step's span starts with; samplers read them. */
export interface StepStart {
  readonly name: string;
  readonly attributes: Attributes;
}

export function stepStart(
  number: number,
  { options, plainName }: StepBeginning,
  capturing: CaptureSettings,
): StepStart {
  const { operation, provider, model } = options;
  const known: Attributes = plainName === undefined ? { [names.GEN_AI_OPERATION_NAME]: operation || 'chat' } : {};
  if (provider) known[names.GEN_AI_PROVIDER_NAME] = provider;
  if (model) known[names.GEN_AI_REQUEST_MODEL] = model;
  const attributes = keepValues(known, capturing);
  attributes[names.STEP_NUMBER] = number;
  const name = plainName && capturing.redactUrl(plainName);
  return {
    name: name ?? spanName(attributes[names.GEN_AI_OPERATION_NAME], attributes[names.GEN_AI_REQUEST_MODEL]),
    attributes,
  };
}

/** `chat gpt-5` */
function spanName(operation: AttributeValue | undefined, model: AttributeValue | undefined): string {
  return model ? `${operation} ${model}` : String(operation);
}

/** What is known of a step when it settles. */
export interface StepFacts {
  readonly id: string;
  readonly home: StepHome;
  readonly capturing: CaptureSettings;
  readonly start: StepStart;
  readonly options: StepOptions;
  readonly implicit: boolean;
  readonly outcome: Proposal;
  /** The call of the last attempt. */
  readonly lastCall: ModelCall | undefined;
  readonly usage: Usage;
  readonly pollCount: number;
}

const NOTHING = {};

/** Writes what is known of the call that the outcome rests on. What the application said comes before what was read at the wire. */
export function writeStepAttributes(span: Span, facts: StepFacts): AttributeWriter {
  const { home, capturing, start, implicit, outcome, lastCall } = facts;
  const { ending } = outcome;
  const answer = ending?.answer;
  const call = ending?.call ?? lastCall;
  // An implicit step starts with the options of its first call, but another call may have decided the outcome.
  const options: StepOptions = outcome.options ?? (implicit && call ? NOTHING : facts.options);
  const request: ModelRequest = merged(call?.fullRequest?.value ?? call?.request, options.request) ?? NOTHING;
  const streaming = call?.streaming ?? request.stream;
  const response: ModelResponse = merged(answer?.response, outcome.response) ?? NOTHING;
  const given = merged((outcome.options ?? facts.options).attributes, outcome.attributes);
  const others = merged(given, merged(response.extra, request.extra));
  const to = new AttributeWriter(span, start.attributes, others, capturing);
  const isPlain = start.attributes[names.GEN_AI_OPERATION_NAME] === undefined && call === undefined;
  const operation = isPlain
    ? undefined
    : to.keep(names.GEN_AI_OPERATION_NAME, options.operation || call?.operation || 'chat');
  if (!to.keep(names.GEN_AI_PROVIDER_NAME, options.provider || call?.provider))
    to.writeAgain(names.GEN_AI_PROVIDER_NAME);
  to.keep(names.GEN_AI_CONVERSATION_ID, options.conversationId || home.conversationId);
  to.keep(names.USER_ID, options.userId);
  const model = to.keep(names.GEN_AI_REQUEST_MODEL, options.model || request.model);
  if (!model) to.writeAgain(names.GEN_AI_REQUEST_MODEL);
  to.writeAgain(names.STEP_NUMBER);
  const isNamedSo =
    operation === start.attributes[names.GEN_AI_OPERATION_NAME] &&
    model === start.attributes[names.GEN_AI_REQUEST_MODEL];
  if (!isPlain && !isNamedSo) span.updateName(spanName(operation, model));
  writeRequest(to, request);
  writeResponse(to, response);
  const server = ending && urlParts(capturing.redactUrl(ending.outgoing.url.href));
  if (server) {
    to.write(names.SERVER_ADDRESS, server.address);
    to.write(names.SERVER_PORT, server.port);
  }
  to.write(names.STATUS, outcome.status);
  const unfinished = unfinishedStatus(answer);
  if (unfinished !== undefined) to.write(names.RESPONSE_STATUS, unfinished);
  to.write(names.STEP_ID, facts.id);
  if (facts.pollCount > 0) to.write(names.STEP_POLL_COUNT, facts.pollCount);
  if (streaming !== undefined) to.write(names.STEP_OPERATION, streaming ? 'stream' : 'generate');
  if (home.id) to.write(names.RUN_ID, home.id);
  const writer = contentWriter(capturing);
  if (writer) writeContent(to, request, response, writer);
  writeUsage(to, facts.usage);
  const firstChunkMillis = streaming ? ending?.attempt.timeToFirstChunkMillis : undefined;
  if (firstChunkMillis !== undefined) to.write(names.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK, firstChunkMillis / 1000);
  return to;
}
