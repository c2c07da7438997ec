import type { Attributes } from '@opentelemetry/api';
import type { RunIdentity } from '../capture/levels.js';
import { badOption, checkFields, checkObject, checkString, requireObject, requireString } from '../util/validation.js';

/** What a run is about. */
export interface RunOptions {
  /** What kind of work it is: `chat_turn`, `title_generation`, `compaction`… */
  kind: string;
  /** A UUID, if the application has one for it. Default: a new one. The nil UUID is refused. */
  id?: string | null | undefined;
  /** The conversation that it is a part of; only a real one, never made up. */
  conversationId?: string | null | undefined;
  /** Who it is for. */
  userId?: string | null | undefined;
  /** The agent that does it. */
  agentName?: string | null | undefined;
  /** For the run of a sub-agent: the conversation that started it. */
  parentConversationId?: string | null | undefined;
  /** For the run of a sub-agent: the conversation that all began with. */
  rootConversationId?: string | null | undefined;
  /**
   * Inside somebody else's span: `new` makes a trace of its own with a link to that span, `join` a child of it. Default `new`.
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

/** Checks the options of a run; throws a `TypeError` that names what is wrong. */
export function checkRunOptions(options: unknown): asserts options is RunOptions {
  checkFields(requireObject(options, 'options'), 'options', OPTIONS);
  const { kind, id, trace, conversationId, userId, agentName, parentConversationId, rootConversationId, attributes } =
    requireObject(options, 'options');
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

/** Who a run is for, with what is absent left out. */
export function runIdentity(options: RunOptions): RunIdentity {
  const identity: RunIdentity = { id: options.id ?? crypto.randomUUID(), kind: options.kind };
  for (const name of ID_OPTIONS) {
    const value = options[name];
    if (value) identity[name] = value;
  }
  return identity;
}
