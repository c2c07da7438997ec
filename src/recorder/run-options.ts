import type { Attributes } from '@opentelemetry/api';
import type { RunIdentity } from '../capture/levels.js';
import { badOption, checkObject, checkString, requireOptions, requireString } from '../util/validation.js';

/** The options of a run. */
export interface RunOptions {
  /** The kind of work: `chat_turn`, `title_generation`, `compaction`… */
  kind: string;
  /** The run's id, a UUID. Default: a new one. The nil UUID is refused. */
  id?: string | null | undefined;
  /** The conversation that the run is part of. Leave it out if there is none. */
  conversationId?: string | null | undefined;
  /** The user that the run is for. */
  userId?: string | null | undefined;
  /** The name of the agent. */
  agentName?: string | null | undefined;
  /** For the run of a sub-agent: the conversation that started it. */
  parentConversationId?: string | null | undefined;
  /** For the run of a sub-agent: the conversation at the root of all others. */
  rootConversationId?: string | null | undefined;
  /**
   * Inside a span of another instrumentation: `new` makes a trace of its own with a link to that span, `join` a child of it. Default `new`.
   * Inside another run it is always a child in its trace.
   */
  trace?: 'new' | 'join' | undefined;
  /** Further attributes, under their full names. Strings are redacted. */
  attributes?: Attributes | null | undefined;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const NIL_UUID = '00000000-0000-0000-0000-000000000000';

const OPTIONS = [
  'kind',
  'id',
  'conversationId',
  'userId',
  'agentName',
  'parentConversationId',
  'rootConversationId',
  'trace',
  'attributes',
];

const ID_OPTIONS = ['conversationId', 'userId', 'agentName', 'parentConversationId', 'rootConversationId'] as const;

/** Checks the options of a run; throws a `TypeError` that names the wrong one. */
export function checkRunOptions(options: unknown): asserts options is RunOptions {
  const { kind, id, trace, conversationId, userId, agentName, parentConversationId, rootConversationId, attributes } =
    requireOptions(options, 'options', OPTIONS);
  requireString(kind, 'options.kind');
  if (id != null && !(typeof id === 'string' && UUID.test(id) && id !== NIL_UUID)) {
    throw badOption('options.id', 'a UUID that is not nil', id);
  }
  if (trace !== undefined && trace !== 'new' && trace !== 'join')
    throw badOption('options.trace', "'new' or 'join'", trace);
  checkString(conversationId, 'options.conversationId');
  checkString(userId, 'options.userId');
  checkString(agentName, 'options.agentName');
  checkString(parentConversationId, 'options.parentConversationId');
  checkString(rootConversationId, 'options.rootConversationId');
  checkObject(attributes, 'options.attributes');
}

export function checkStepNumber(n: unknown): void {
  if (!Number.isInteger(n) || (n as number) < 0) throw badOption('n', 'an integer of at least 0', n);
}

/** The identity of a run. Absent values are left out. */
export function runIdentity(options: RunOptions): RunIdentity {
  const identity: RunIdentity = { id: options.id ?? crypto.randomUUID(), kind: options.kind };
  for (const name of ID_OPTIONS) {
    const value = options[name];
    if (value) identity[name] = value;
  }
  return identity;
}
