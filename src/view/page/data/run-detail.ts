import { useEffect, useState } from 'preact/hooks';
import type { RunDetail } from '../../model.js';
import { onRunChanged } from './runs.js';

/** `gone`: the run has left the server's memory, or never was in it. `failed`: the server did not answer. */
export type RunState = { is: 'loading' | 'gone' | 'failed' } | { is: 'loaded'; detail: RunDetail };

/** A run that changes is read again, but not more often. */
const READ_AGAIN_MILLIS = 250;

/** A run with its spans. It is read again whenever the server says that it changed; what was read last stays meanwhile. */
export function useRunDetail(traceId: string): RunState {
  const [state, setState] = useState<RunState>({ is: 'loading' });
  useEffect(() => {
    let isOver = false;
    let isReading = false;
    let isStale = false;
    const read = async () => {
      isReading = true;
      isStale = false;
      const next = await readRun(traceId);
      if (isOver) return;
      // A run that was loaded stays, also when the server is gone.
      setState((last) => (next.is === 'loaded' || last.is !== 'loaded' ? next : last));
      await new Promise((resolve) => setTimeout(resolve, READ_AGAIN_MILLIS));
      isReading = false;
      if (isStale && !isOver) void read();
    };
    setState({ is: 'loading' });
    void read();
    const stop = onRunChanged((changed) => {
      if (changed !== traceId) return;
      isStale = true;
      if (!isReading) void read();
    });
    return () => {
      isOver = true;
      stop();
    };
  }, [traceId]);
  return state;
}

async function readRun(traceId: string): Promise<RunState> {
  try {
    const response = await fetch(`/api/runs/${encodeURIComponent(traceId)}`);
    if (response.status === 404) return { is: 'gone' };
    return response.ok ? { is: 'loaded', detail: (await response.json()) as RunDetail } : { is: 'failed' };
  } catch {
    return { is: 'failed' };
  }
}

/** The trace as an OTLP/JSON export request. */
export async function readOtlp(traceId: string): Promise<string> {
  const response = await fetch(`/api/runs/${encodeURIComponent(traceId)}/otlp`);
  if (!response.ok) throw new Error(`the viewer answered ${response.status}`);
  return response.text();
}
