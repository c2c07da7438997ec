/**
 * A stub, imported before the tests. Bun, Deno and workerd read a body in ways that runtrace cannot observe, and cannot run these tests. So this
 * module makes Node's `Response` read in such a way: it removes the methods by which runtrace observes a read.
 */
import { Response as UndiciResponse } from 'undici';

for (const { prototype } of [Response, UndiciResponse]) {
  const { text } = prototype;
  const read = function (this: Response) {
    if (this.body) delete (this.body as Partial<ReadableStream>).getReader;
    return text.call(this as never);
  };
  Object.defineProperty(prototype, 'text', { value: read, configurable: true, writable: true });
}
