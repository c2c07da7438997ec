/** The runs that the server knows, as they change. */
import { computed, signal } from '@preact/signals';
import type { Gone, Hello, RunList, RunRow } from '../../model.js';
import { RowOrder } from './row-order.js';

/** `refused`: a viewer answers, but it is not the one that opened this page: it was started anew, and has another token. */
export type Connection = 'connecting' | 'connected' | 'lost' | 'refused';

export const hello = signal<Hello | undefined>(undefined);
export const connection = signal<Connection>('connecting');
/** How many older runs the server has dropped from its list. */
export const olderRuns = signal(0);
/** Whether the list has been read at least once. */
export const hasRead = signal(false);

/** The rows that the list shows, newest first. */
export const rows = signal<readonly RunRow[]>([]);
/** How many runs have arrived that `rows` does not have yet. */
export const newRuns = signal(0);
/** While paused, the list does not change at all. */
export const isPaused = signal(false);
/** While held, rows change in place, and new ones wait, because the user is reading. */
const isHeld = signal(false);

/** The values of kind and model that the filter offers. */
export const kinds = computed(() => distinct(rows.value.map(({ kind }) => kind)));
export const models = computed(() => distinct(rows.value.flatMap((row) => row.models)));

/** Events come by the thousand; the page is drawn ten times a second. */
const DRAW_MILLIS = 100;
const RECONNECT_MILLIS = 2000;

const order = new RowOrder();
const listeners = new Set<(traceId: string) => void>();
let willDraw = false;
/** The runs of which an event came while the list was being read: the event is newer. */
let changedWhileReading: Set<string> | undefined;

/** Calls `listener` with the trace id of each run that changed. Returns the function that stops it. */
export function onRunChanged(listener: (traceId: string) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Shows the runs that wait. */
export function showNewRuns(): void {
  order.showAll();
  rows.value = order.shown();
  newRuns.value = 0;
}

export function setPaused(paused: boolean): void {
  isPaused.value = paused;
  draw();
}

export function setHeld(held: boolean): void {
  if (isHeld.peek() === held) return;
  isHeld.value = held;
  if (!held) draw();
}

/** Connects, and stays connected. */
export function connect(): void {
  const events = new EventSource('/api/events');
  events.addEventListener('open', () => void readList());
  events.addEventListener('hello', ({ data }) => {
    hello.value = JSON.parse(data) as Hello;
  });
  events.addEventListener('run', ({ data }) => {
    const row = JSON.parse(data) as RunRow;
    changedWhileReading?.add(row.traceId);
    order.put(row);
    changed(row.traceId);
  });
  events.addEventListener('gone', ({ data }) => {
    for (const traceId of (JSON.parse(data) as Gone).traceIds) {
      order.remove(traceId);
      changed(traceId);
    }
  });
  events.addEventListener('error', async () => {
    // The browser connects again by itself, except after an answer that was no stream.
    const isClosed = events.readyState === EventSource.CLOSED;
    if (isClosed) setTimeout(connect, RECONNECT_MILLIS);
    connection.value = isClosed && (await isRefused()) ? 'refused' : 'lost';
  });
}

/** An `EventSource` does not tell which answer it got. */
function isRefused(): Promise<boolean> {
  return fetch('/api/runs', { method: 'HEAD' }).then(
    ({ status }) => status === 403,
    () => false,
  );
}

async function readList(): Promise<void> {
  changedWhileReading = new Set();
  try {
    const response = await fetch('/api/runs');
    if (!response.ok) throw new Error(`${response.status}`);
    const { runs, more } = (await response.json()) as RunList;
    order.replaceAll(runs, changedWhileReading);
    olderRuns.value = more;
    connection.value = 'connected';
    if (!hasRead.peek()) order.showAll();
    hasRead.value = true;
    for (const listener of listeners) for (const { traceId } of runs) listener(traceId);
    draw();
  } catch {
    connection.value = 'lost';
  } finally {
    changedWhileReading = undefined;
  }
}

function changed(traceId: string): void {
  for (const listener of listeners) listener(traceId);
  if (willDraw) return;
  willDraw = true;
  setTimeout(() => {
    willDraw = false;
    draw();
  }, DRAW_MILLIS);
}

function draw(): void {
  if (!isPaused.peek() && !isHeld.peek()) order.showAll();
  publish();
}

function publish(): void {
  if (!isPaused.peek() || !hasRead.peek()) rows.value = order.shown();
  newRuns.value = order.newCount;
}

function distinct(values: readonly (string | undefined)[]): string[] {
  return [...new Set(values.filter((value) => value !== undefined && value !== ''))].sort() as string[];
}
