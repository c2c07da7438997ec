import type { Attributes } from '@opentelemetry/api';
import { type ModelResponse, type Usage, usageOf } from '../../otel/genai.js';
import { report } from '../../util/diagnostics.js';
import { badOption, checkFields, checkObject, copyGiven, type MayLack, requireObject } from '../../util/validation.js';
import { describeFailure } from './errors.js';
import type { Proposal } from './proposals.js';
import { isStatus } from './status.js';

/** Details of how a run or step ended. */
export interface FinishDetails {
  /** The model's response: fills `gen_ai.response.*` and, where content is captured, the output messages. */
  response?: MayLack<ModelResponse> | null | undefined;
  /** The usage, in tokens. It replaces what was read at the wire. */
  usage?: MayLack<Usage> | null | undefined;
  /** The error: any value that was thrown. Only its class and codes are recorded unless content is captured. */
  error?: unknown;
  /** Further attributes, under their full names. Strings are redacted. */
  attributes?: Attributes | null | undefined;
}

const DETAILS = ['response', 'usage', 'error', 'attributes'];
const RENAMED = { metadata: 'attributes' };

/** Checks the arguments of `finish`; throws a `TypeError` that names the wrong one. */
export function checkFinish(status: unknown, details: unknown): void {
  if (!isStatus(status)) {
    throw badOption('status', "'in_progress', 'interrupted', 'error' or 'completed'", status);
  }
  if (details === undefined) return;
  const { response, usage, attributes } = requireObject(details, 'details');
  checkFields(details as object, 'details', DETAILS, RENAMED);
  checkObject(response, 'details.response');
  checkObject(usage, 'details.usage');
  checkObject(attributes, 'details.attributes');
}

type Given = Pick<Proposal, 'failure' | 'response' | 'usage' | 'attributes'>;

export const NOTHING: Given = {};

export function readDetails(details: FinishDetails): Given {
  try {
    const { response, usage, error, attributes } = details;
    return {
      failure: error === undefined ? undefined : describeFailure(error),
      response: copyGiven(response),
      usage: usageOf(usage),
      attributes: copyGiven(attributes),
    };
  } catch (error) {
    report('what was given to finish could not be read', error);
    return NOTHING;
  }
}
