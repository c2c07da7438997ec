import type { ServerResponse } from 'node:http';
import type { Hello } from './model.js';
import type { RunStore } from './store/run-store.js';
import type { StoredRun } from './store/stored-run.js';

/** How long changes are collected before they are sent together. */
const COLLECT_MILLIS = 50;
const HEARTBEAT_MILLIS = 5000;
/** A page that lets so many runs leave unread is disconnected: it connects again and reads the list. */
const MOST_GONE = 50_000;

/**
 * Sends a page what changes, as server-sent events. A page that reads slowly gets each run's newest row when it reads on, so that no
 * queue grows: only the runs and the trace ids wait.
 */
export function streamEvents(response: ServerResponse, store: RunStore, hello: Hello): void {
  const changed = new Set<StoredRun>();
  const gone = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let isBlocked = false;

  const write = (text: string) => {
    if (!response.write(text)) isBlocked = true;
  };
  const flush = () => {
    timer = undefined;
    if (isBlocked) return;
    const events = [...changed].map(({ rowJson }) => `event: run\ndata: ${rowJson}\n\n`);
    if (gone.size > 0) events.push(`event: gone\ndata: ${JSON.stringify({ traceIds: [...gone] })}\n\n`);
    changed.clear();
    gone.clear();
    if (events.length > 0) write(events.join(''));
  };
  const schedule = () => {
    timer ??= setTimeout(flush, COLLECT_MILLIS);
  };

  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  write(`event: hello\ndata: ${JSON.stringify(hello)}\n\n`);
  const heartbeat = setInterval(() => isBlocked || write(': alive\n\n'), HEARTBEAT_MILLIS);
  const stop = store.listen({
    changed(runs) {
      for (const run of runs) changed.add(run);
      schedule();
    },
    gone(traceIds) {
      for (const traceId of traceIds) gone.add(traceId);
      for (const run of changed) if (gone.has(run.traceId)) changed.delete(run);
      if (gone.size > MOST_GONE) response.destroy();
      else schedule();
    },
  });
  response.on('drain', () => {
    isBlocked = false;
    schedule();
  });
  response.on('close', () => {
    stop();
    clearInterval(heartbeat);
    clearTimeout(timer);
  });
}
