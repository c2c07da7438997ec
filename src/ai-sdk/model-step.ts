/** What a step of an operation is begun with. */

import type { Attributes } from '@opentelemetry/api';
import type { ModelRequest } from '../otel/genai.js';
import * as names from '../otel/names.js';
import { readCall } from '../providers/formats/ai-sdk-model.js';
import { providerOfAiSdk } from '../providers/provider-names.js';
import type { StepOptions } from '../spans/outcome/step-options.js';
import { label, object } from '../util/json-fields.js';
import { STREAMS, type StartEvent, type StepStartEvent } from './operation-events.js';

/** The request of a model call; its messages only if `messages`. */
export function requestOf({ operationId, output }: StartEvent, call: object, messages: boolean): ModelRequest {
  const request = readCall(call, STREAMS[operationId] === true, messages);
  if ((label(object(output)?.name) ?? 'text') !== 'text') request.outputType = 'json';
  return request;
}

/** `options`, with the model, the provider and the attributes that tell which operation of the AI SDK made the call. */
export function stepOptionsOf(
  { operationId, functionId, callId }: StartEvent,
  stepStart: StepStartEvent | undefined,
  options: StepOptions,
  provider: string,
  model: string,
): StepOptions {
  const attributes: Attributes = { [names.AI_SDK_OPERATION_ID]: operationId, [names.AI_SDK_CALL_ID]: callId };
  if (functionId !== undefined) attributes[names.AI_SDK_FUNCTION_ID] = functionId;
  if (stepStart) attributes[names.AI_SDK_STEP_NUMBER] = stepStart.stepNumber;
  const stepOptions: StepOptions = { ...options, model, attributes };
  const name = providerOfAiSdk(provider);
  if (name !== undefined) stepOptions.provider = name;
  return stepOptions;
}
