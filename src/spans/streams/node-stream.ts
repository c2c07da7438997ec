import { define, type Watch } from './watch.js';

/** A Readable of Node, as far as it is watched. */
export interface NodeReadable {
  readonly destroyed: boolean;
  readonly readableEnded: boolean;
  /** Of an HTTP/2 stream: the code it was closed with, and its connection. */
  readonly rstCode?: number;
  readonly session?: { readonly destroyed: boolean } | undefined;
  emit(event: string | symbol, ...args: unknown[]): boolean;
  destroy(error?: Error | null, ...rest: unknown[]): unknown;
  read(size?: number): unknown;
  _read(size: number): unknown;
}

/** Whether `value` is a Readable of Node, or of the package `readable-stream`. */
export function isNodeReadable(value: object): value is NodeReadable {
  const { _readableState, emit, destroy, read, _read } = value as Partial<NodeReadable> & { _readableState?: unknown };
  return (
    typeof _readableState === 'object' && [emit, destroy, read, _read].every((method) => typeof method === 'function')
  );
}

/**
 * Watches a Readable by its events, `read()` and `destroy()`: its async iterator, `pipe()`, `pipeline()` and `'data'` listeners all use these. It gets
 * no listener, because a listener of `'error'` would keep an unhandled error from ending the process.
 */
export function watchReadable(stream: NodeReadable, watch: Watch): void {
  const { emit, destroy, read, _read } = stream;
  let waiting = false;
  const setWaiting = (isWaiting: boolean) => {
    if (waiting === isWaiting) return;
    waiting = isWaiting;
    if (isWaiting) watch.waits();
    else watch.waitsNoMore();
  };
  define(stream, 'emit', (event: string | symbol, ...args: unknown[]) => {
    // `read()` emits `'data'` too.
    if (event === 'data') watch.value(args[0]);
    else if (event === 'pause') setWaiting(false);
    else if (event === 'end') watch.end({ how: 'ended' });
    else if (event === 'error') watch.end({ how: 'broke', error: args[0] });
    else if (event === 'close') watch.cancelled();
    return emit.call(stream, event, ...args);
  });
  // A stream that waits for its source may never emit `'close'` after this.
  define(stream, 'destroy', (error?: Error | null, ...rest: unknown[]) => {
    const reason = error ?? resetOf(stream);
    if (reason) watch.end({ how: 'broke', error: reason });
    else watch.cancelled();
    return destroy.call(stream, error, ...rest);
  });
  define(stream, 'read', (size?: number) => {
    // A Readable calls `read(0)` itself to fill its buffer.
    if (size === 0) return read.call(stream, size);
    setWaiting(true);
    const chunk = read.call(stream, size);
    // A flowing Readable reads until there is nothing left, then waits.
    if (chunk !== null) setWaiting(false);
    return chunk;
  });
  // The calls that a generator makes belong to the run that returned it, not to the code that reads it.
  define(stream, '_read', (size: number) => watch.call(() => _read.call(stream, size)));
}

/**
 * Why an HTTP/2 stream is over that its consumer has not left: the other side reset it, or its connection was lost. Node may destroy it without an
 * error then.
 */
function resetOf({ rstCode, session }: NodeReadable): Error | undefined {
  if (!rstCode && !session?.destroyed) return undefined;
  const why = rstCode ? `was closed with code ${rstCode}` : 'lost its connection';
  return Object.assign(new Error(`the HTTP/2 stream ${why}`), { code: 'ERR_HTTP2_STREAM_ERROR' });
}
