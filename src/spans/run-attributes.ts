import { type Attributes, type Context, isSpanContextValid, type Link, type Tracer, trace } from '@opentelemetry/api';
import type { CaptureSettings, RunIdentity } from '../capture/levels.js';
import * as names from '../otel/names.js';
import { isUnsampled } from './context.js';
import type { OpenRuns } from './settle/deadlines.js';

/** How a run begins. */
export interface RunBeginning {
  readonly identity: RunIdentity;
  readonly trace?: 'new' | 'join' | undefined;
  readonly attributes?: Attributes | null | undefined;
  readonly capturing: CaptureSettings;
  readonly tracer: Tracer;
  /** The runs that it is one of until it settles. */
  readonly openRuns: Pick<OpenRuns, 'add' | 'delete'>;
  /** The context that it begins in. */
  readonly ctx: Context;
}

/** The name of a run's span: `invoke_agent {name}` or `invoke_workflow {kind}`. */
export function runName(identity: Attributes): string {
  return `${identity[names.GEN_AI_OPERATION_NAME]} ${identity[names.GEN_AI_AGENT_NAME] ?? identity[names.RUN_KIND]}`;
}

/** The attributes that a run's span starts with. */
export function identityAttributes(identity: RunIdentity): Attributes {
  const attributes: Attributes = {
    [names.GEN_AI_OPERATION_NAME]: identity.agentName ? 'invoke_agent' : 'invoke_workflow',
  };
  if (identity.agentName) attributes[names.GEN_AI_AGENT_NAME] = identity.agentName;
  attributes[names.RUN_KIND] = identity.kind;
  if (identity.conversationId) attributes[names.GEN_AI_CONVERSATION_ID] = identity.conversationId;
  if (identity.userId) attributes[names.USER_ID] = identity.userId;
  if (identity.parentConversationId) attributes[names.RUN_PARENT_CONVERSATION_ID] = identity.parentConversationId;
  if (identity.rootConversationId) attributes[names.RUN_ROOT_CONVERSATION_ID] = identity.rootConversationId;
  return attributes;
}

/** Whether a run begins a trace of its own, with a link to the span of another instrumentation that is active. */
export function traceOf(
  ctx: Context,
  isInRun: boolean,
  option: RunBeginning['trace'],
): { isRoot: boolean; links: Link[] } {
  const isInner = isInRun || isUnsampled(ctx);
  const foreign = isInner ? undefined : trace.getSpanContext(ctx);
  const links: Link[] = foreign && isSpanContextValid(foreign) ? [{ context: foreign }] : [];
  const isRoot = !isInner && !(option === 'join' && links.length > 0);
  return { isRoot, links: isRoot ? links : [] };
}
