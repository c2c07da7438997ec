/** Pipes a body that is watched in place. */

/** Whether a pipe is possible. If not, it fails as it does without runtrace. */
export function canPipe(
  stream: ReadableStream<unknown>,
  destination: unknown,
  options: StreamPipeOptions | null | undefined,
): destination is WritableStream {
  const signal = options?.signal;
  if (stream.locked || (signal !== undefined && !(signal instanceof AbortSignal))) return false;
  return destination instanceof WritableStream && !destination.locked;
}

function hasRoom(destination: WritableStream): boolean {
  const writer = destination.getWriter();
  const room = writer.desiredSize;
  writer.releaseLock();
  return room !== null && room > 0;
}

/** A pipe does not read through the methods of its source, so it gets another stream as its source, which does. */
export async function pipe(
  stream: ReadableStream<unknown>,
  destination: WritableStream,
  options: StreamPipeOptions | null | undefined,
): Promise<void> {
  const reader = stream.getReader();
  // A pipe reads at once if there is room, which is visible in the stream's state.
  let reading = !options?.signal?.aborted && hasRoom(destination) ? reader.read() : undefined;
  let broken: { error: unknown } | undefined;
  const seen = new ReadableStream(
    {
      start(controller) {
        // A chunk that was read before the stream broke is passed on first.
        reader.closed.catch((error) => {
          broken = { error };
          if (!reading) controller.error(error);
        });
      },
      async pull(controller) {
        reading ??= reader.read();
        const { done, value } = await reading;
        reading = undefined;
        if (done) return controller.close();
        controller.enqueue(value);
        if (broken) controller.error(broken.error);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  reading?.catch(() => {});
  try {
    await seen.pipeTo(destination, options ?? undefined);
  } finally {
    reader.releaseLock();
  }
}
