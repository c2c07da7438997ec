/** A stream with one item for each item. Leaving it leaves the stream that it is made from. */
export async function* map<T>(stream: AsyncIterable<T>, read: (item: T) => unknown): AsyncIterable<unknown> {
  for await (const item of stream) yield read(item);
}
