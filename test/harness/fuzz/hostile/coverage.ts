import { type Profiler, Session } from 'node:inspector';

/** Which code of runtrace has run so far, by V8's precise coverage: block by block. */
export class Coverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();

  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Whether `run` reached code that had not run before. Each block counts once more when it runs ten times as often. */
  ofRun(run: () => void): boolean {
    this.#take();
    run();
    const before = this.#seen.size;
    for (const { url, functions } of this.#take()) {
      if (!url.includes('/src/')) continue;
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          if (count > 0) this.#seen.add(`${url}:${startOffset}:${endOffset}:${Math.floor(Math.log10(count))}`);
        }
      }
    }
    return this.#seen.size > before;
  }

  /** What ran since the last time. */
  #take(): Profiler.ScriptCoverage[] {
    let taken: Profiler.ScriptCoverage[] = [];
    // Within one thread the answer comes before `post` returns.
    this.#session.post('Profiler.takePreciseCoverage', (_error, { result }) => {
      taken = result;
    });
    return taken;
  }
}
