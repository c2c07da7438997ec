/**
 * The status of a run or step.
 *
 * | status | priority | terminal | in OpenTelemetry |
 * |---|---|---|---|
 * | `in_progress` | 0 | no | never exported |
 * | `interrupted` | 1 | yes | UNSET: the caller stopped it |
 * | `error` | 2 | yes | ERROR |
 * | `completed` | 3 | yes | OK |
 */
export type Status = 'in_progress' | 'interrupted' | 'error' | 'completed';

/** A status that a run or step can end with. */
export type TerminalStatus = Exclude<Status, 'in_progress'>;

const PRIORITY: Readonly<Record<Status, number>> = { in_progress: 0, interrupted: 1, error: 2, completed: 3 };

/**
 * The status-priority rule: may `proposed` take the place of `current`?
 *
 * | current ╲ proposed | in_progress | interrupted | error | completed |
 * |---|---|---|---|---|
 * | **in_progress** | yes | yes | yes | yes |
 * | **interrupted** | no | yes | yes | yes |
 * | **error** | no | no | yes | yes |
 * | **completed** | no | no | no | yes |
 *
 * Equal priority is accepted: a later error replaces an earlier error, with its newer attempts.
 */
export function accepts(current: Status, proposed: Status): boolean {
  return PRIORITY[proposed] >= PRIORITY[current];
}

/** Whether `a` has a higher priority than `b`. */
export function outranks(a: Status, b: Status): boolean {
  return PRIORITY[a] > PRIORITY[b];
}

/** Whether `value` is one of the four statuses. */
export function isStatus(value: unknown): value is Status {
  return typeof value === 'string' && Object.hasOwn(PRIORITY, value);
}
