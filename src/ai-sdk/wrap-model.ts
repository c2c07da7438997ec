/** Records the calls of one language model of the AI SDK as steps, for applications that register no telemetry. */
import { type Attributes, context } from '@opentelemetry/api';
import { readCall } from '../providers/formats/ai-sdk-model.js';
import { providerOfAiSdk } from '../providers/provider-names.js';
import { defaultRecorder } from '../recorder/default-recorder.js';
import type { Recorder } from '../recorder/recorder.js';
import { openScope } from '../recorder/step-start.js';
import { capturingIn, runOf, stepOf } from '../spans/context.js';
import { checkContext } from '../spans/omissions/lost-context.js';
import type { StepOptions } from '../spans/outcome/step-options.js';
import { isInOthersModelSpan } from '../spans/routing/others-model-span.js';
import type { RunRecording } from '../spans/run.js';
import { StepRecording } from '../spans/step.js';
import { guarded } from '../util/diagnostics.js';
import { label, object } from '../util/json-fields.js';
import { badOption, checkObject, checkString, requireOptions } from '../util/validation.js';
import { recordAnswer } from './recorded-call.js';
import { isSameCall } from './same-call.js';

/** The properties that a language model of the AI SDK has, in the specifications v2, v3 and v4. */
export interface LanguageModel {
  readonly provider: string;
  readonly modelId: string;
  doGenerate(options: never): PromiseLike<unknown>;
  doStream(options: never): PromiseLike<unknown>;
}

/** Options of {@link wrapModel}. */
export interface WrapModelOptions {
  /** If it records nothing, neither does the model. Default: the default recorder, which `run` and `step` of this package use. */
  recorder?: Recorder | undefined;
  /** The conversation of its steps. Default: the run's. */
  conversationId?: string | null | undefined;
  /** The user of its steps. Default: the run's. */
  userId?: string | null | undefined;
  /** Further attributes of its steps, under their full names. Strings are redacted. */
  attributes?: Attributes | null | undefined;
}

const OPTIONS = ['recorder', 'conversationId', 'userId', 'attributes'];

/**
 * Wraps a model so that each `doGenerate` and `doStream` is a step of the run around it. Outside of a run, in an explicit step and in another
 * instrumentation's model span, the call is only passed on. A call that equals one that failed is its retry, so the retries of
 * `generateText` and `streamText` are in one step.
 *
 * With `registerTelemetry(runtraceTelemetry())` it is not needed.
 *
 * Returns `model` itself if nothing is recorded (`capture: 'off'`). Throws a `TypeError` if `model` is not a language model, or for a bad option.
 *
 * @example
 * const model = wrapModel(openai('gpt-5'));
 * const { text } = await run({ kind: 'chat_turn' }, () => generateText({ model, prompt }));
 */
export function wrapModel<Model extends LanguageModel>(model: Model, options: WrapModelOptions = {}): Model {
  if (!isModel(model)) throw badOption('model', 'a language model of the AI SDK (with doGenerate and doStream)', model);
  requireOptions(options, 'options', OPTIONS);
  const { conversationId, userId, attributes } = options;
  checkString(conversationId, 'options.conversationId');
  checkString(userId, 'options.userId');
  checkObject(options.recorder, 'options.recorder');
  checkObject(attributes, 'options.attributes');
  const { recorder = defaultRecorder(), ...stepOptions } = options;
  if (!recorder.enabled) return model;
  const replaced: Record<PropertyKey, (given: never) => Promise<unknown>> = {
    doGenerate: (given) => recordCall(model, stepOptions, given, false, () => model.doGenerate(given)),
    doStream: (given) => recordCall(model, stepOptions, given, true, () => model.doStream(given)),
  };
  // A proxy must show the properties of its target that can't be changed.
  const own = Object.values(Object.getOwnPropertyDescriptors(model));
  const fixed = own.some(({ configurable }) => !configurable);
  const target = fixed ? Object.assign(Object.create(Object.getPrototypeOf(model)), model) : model;
  return new Proxy(target, {
    get(_target, name) {
      if (Object.hasOwn(replaced, name)) return replaced[name];
      // With the model as `this`: what is private in its class can't be read through a proxy.
      const value: unknown = Reflect.get(model, name, model);
      return typeof value === 'function' && name !== 'constructor' ? value.bind(model) : value;
    },
  });
}

function isModel(model: unknown): model is LanguageModel {
  const { doGenerate, doStream } = (typeof model === 'object' && model ? model : {}) as Partial<LanguageModel>;
  return typeof doGenerate === 'function' && typeof doStream === 'function';
}

const UNRECORDED = 'a call of a wrapped model could not be recorded';

async function recordCall(
  model: LanguageModel,
  stepOptions: StepOptions,
  given: unknown,
  streaming: boolean,
  call: () => PromiseLike<unknown>,
): Promise<unknown> {
  const opened = guarded(UNRECORDED, () => openCall(model, stepOptions, given, streaming));
  if (!opened) return call();
  const { scope, inside } = opened;
  if (!scope) return context.with(inside, call);
  let result: unknown;
  try {
    result = await context.with(inside, call);
  } catch (error) {
    guarded(UNRECORDED, () => scope.threw(error));
    throw error;
  }
  guarded(UNRECORDED, () => recordAnswer(scope, result, streaming, object(given)?.abortSignal));
  return result;
}

/** The call of each step of a wrapped model, to recognize its retry. */
const asked = new WeakMap<StepRecording, unknown>();

function openCall(model: LanguageModel, stepOptions: StepOptions, given: unknown, streaming: boolean) {
  const active = context.active();
  const run = runOf(active);
  const around = stepOf(active);
  if (!run) checkContext(active);
  if (!run || (around && !around.step.settled) || isInOthersModelSpan(active)) return undefined;
  const { recording } = run;
  const options: StepOptions = { ...stepOptions, operation: 'chat' };
  const provider = providerOfAiSdk(model.provider);
  const modelId = label(model.modelId);
  if (provider !== undefined) options.provider = provider;
  if (modelId !== undefined) options.model = modelId;
  options.request = readCall(given, streaming, capturingIn(active, recording.capturing).messages);
  const question = { model, streaming, given };
  const opened = openScope(run, options, { strict: true, earlier: failedBefore(recording, question) });
  if (opened.scope) asked.set(opened.scope.step, question);
  return opened;
}

/** The step of an equal call that failed and is held: the new call is its retry. */
function failedBefore(recording: RunRecording, question: unknown): StepRecording | undefined {
  const active = context.active();
  for (const part of recording.parts) {
    if (!(part instanceof StepRecording) || part.status !== 'error' || !part.finished || !part.beganIn(active))
      continue;
    if (asked.has(part) && isSameCall(asked.get(part), question)) return part;
  }
  return undefined;
}
