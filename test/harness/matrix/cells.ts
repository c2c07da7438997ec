import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Provider, startProvider } from '../../../examples/demo/provider.js';
import { type OtlpReceiver, startOtlpReceiver } from '../../support/otlp-receiver.js';
import { FORMATS } from '../clients/wire/formats.js';
import type { CellOptions } from './cell/cell.js';
import { complaints, EXPECTED } from './expected.js';
import { failed, PASSED, type Result } from './results.js';
import type { Job } from './runtimes.js';

/** What the cells need beside them: a model provider, a receiver each, and a process to tell that they have flushed. */
export class Cells {
  readonly #provider: Provider;
  readonly #control = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (id: string) => this.#hasFlushed(id));
    request.on('end', () => response.end());
  });
  /** By a cell's id: where its spans arrive, and which of them were there when it said that it had flushed. */
  readonly #running = new Map<string, { receiver: OtlpReceiver; flushed: Set<string> }>();
  #count = 0;

  private constructor(provider: Provider) {
    this.#provider = provider;
  }

  static async open(): Promise<Cells> {
    const cells = new Cells(await startProvider(FORMATS));
    await new Promise<void>((resolve) => cells.#control.listen(0, '127.0.0.1', resolve));
    return cells;
  }

  /** Runs one, and looks at what it exported. */
  async play(
    run: (job: Job) => Promise<void>,
    where: Pick<Job, 'directory' | 'sdk'>,
    how: Pick<CellOptions, 'setUp' | 'way' | 'preloaded'>,
  ): Promise<Result> {
    const id = `cell-${++this.#count}`;
    for (const [play, { script }] of Object.entries(EXPECTED)) this.#provider.script(`${play}.${id}`, ...script);
    // The stock exporter, in a worker, doesn't compress.
    const receiver = await startOtlpReceiver({ requireGzip: false });
    // Who doesn't wait for the answer hasn't flushed.
    receiver.fault = () => ({ kind: 'slow', delayMillis: 50 });
    const flushed = new Set<string>();
    this.#running.set(id, { receiver, flushed });
    const { port } = this.#control.address() as AddressInfo;
    const options = { ...how, id, provider: this.#provider.url, control: `http://127.0.0.1:${port}/` };
    try {
      await run({ ...where, options, otlp: receiver.endpoint });
      const wrong = [...receiver.violations, ...complaints(receiver.spans(), flushed), ...this.#withoutLength(id)];
      return wrong.length > 0 ? failed(wrong.join('\n')) : PASSED;
    } catch (error) {
      return failed(error);
    } finally {
      this.#running.delete(id);
      await receiver.close();
    }
  }

  async close(): Promise<void> {
    this.#control.close();
    await this.#provider.close();
  }

  /** The clients have their bodies in memory: a request has to be sent as it would be without runtrace, with its length. */
  #withoutLength(id: string): string[] {
    const own = this.#provider.requests.filter(({ model }) => model.endsWith(`.${id}`));
    return own.flatMap(({ model, headers }) =>
      headers['content-length'] === undefined ? [`${model}: a request was sent without its length`] : [],
    );
  }

  #hasFlushed(id: string): void {
    const cell = this.#running.get(id);
    for (const { spanId } of cell?.receiver.spans() ?? []) cell?.flushed.add(spanId);
  }
}
