/** Notices an explicit step whose call was not recorded. */
import { nextTurn } from '../../otel/next-turn.js';
import { isReported, reportOmission } from '../../util/omissions.js';
import type { StepScope } from '../step-scope.js';
import { hasCalledProvider } from './missed-calls.js';

/** A step has ended. Some functions return a turn before they begin their call. */
export function checkStepEnd(scope: StepScope): void {
  if (isReported('RUNTRACE_STEP_WITHOUT_ATTEMPT') || !mayLackAttempt(scope)) return;
  nextTurn(() => {
    // A call that has lost its step is reported as that.
    if (!mayLackAttempt(scope) || isReported('RUNTRACE_NO_CONTEXT_MANAGER')) return;
    reportOmission('RUNTRACE_STEP_WITHOUT_ATTEMPT');
  });
}

/** What `finish` says of a step without an attempt is believed, unless the global fetch called a provider. */
function mayLackAttempt({ isPresumed, step }: StepScope): boolean {
  return step.log.count === 0 && (isPresumed || (step.status === 'completed' && hasCalledProvider(step.home)));
}
