import { isLoopback } from '../exporter/sender/loopback.js';
import { isListenedTo, listenToProgress } from '../spans/progress/listener.js';
import { report } from '../util/diagnostics.js';
import { environment } from '../util/platform.js';
import { LiveChannel } from './channel.js';

/**
 * Shows the runs of this process to the viewer that `RUNTRACE_VIEW` names, once in a process. A wrong address is reported when the first
 * run begins, because `diag` has its logger by then.
 */
export function startLiveChannel(): void {
  const address = environment('RUNTRACE_VIEW');
  if (address === undefined || isListenedTo()) return;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol !== 'http:' || !isLoopback(url.hostname)) {
    listenToProgress({ changed: reportAddress });
    return;
  }
  listenToProgress(new LiveChannel(new URL('/live', url)));
}

/** Once: it is the listener no longer. */
function reportAddress(): void {
  listenToProgress(undefined);
  report('RUNTRACE_VIEW must be the http address of a viewer on this machine; runs in progress are not shown');
}
