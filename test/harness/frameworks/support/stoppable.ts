/** The parts of a stream. Who leaves it aborts the call: some frameworks read the model's stream on otherwise. */
export async function* stoppable(parts: AsyncIterable<unknown>, controller: AbortController): AsyncIterable<unknown> {
  try {
    yield* parts;
  } finally {
    controller.abort();
  }
}
