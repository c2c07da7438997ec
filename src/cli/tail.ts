import { decodeRequest } from '../exporter/otlp/json-reader.js';
import type { StoreListener } from '../view/store/run-store.js';
import type { StoredRun } from '../view/store/stored-run.js';
import { interrupted } from './interrupted.js';
import { complain, outputLook, printableJson } from './terminal.js';
import { tree } from './tree.js';
import { openViewer, type ViewOptions } from './view/open-viewer.js';
import { runProgram } from './view/run-program.js';

export interface TailOptions extends ViewOptions {
  /** Whether to print JSON: a `RunRow` a line whenever a run began, changed or ended. */
  readonly json: boolean;
  /** A program to start, whose runs are shown. */
  readonly program: readonly string[] | undefined;
}

/** The live block is drawn again at most that often. */
const DRAW_MILLIS = 200;
/** A run has ended when its span is there and nothing has come for so long: others' spans may arrive after it. */
const QUIET_MILLIS = 500;

/**
 * Prints the tree of each run when it has ended. On a terminal also while it goes on, unless a program writes there, whose output drawing
 * would erase. Returns the exit code of the process: that of the program, if it started one.
 */
export async function tail({ json, program, ...options }: TailOptions): Promise<number> {
  const viewer = await openViewer(options, false);
  const printer = json ? new RowPrinter() : new TreePrinter(options.jaegerUrl, process.stdout.isTTY && !program);
  viewer.store.listen(printer);
  complain(`waiting for spans: OTEL_EXPORTER_OTLP_ENDPOINT=${viewer.endpoint}`);
  if (program) {
    const code = await runProgram(program, viewer, options.packageUrl);
    printer.close();
    return code;
  }
  await interrupted();
  printer.close();
  await viewer.close();
  return 0;
}

/** Prints what the store tells it. */
interface Printer extends StoreListener {
  /** Prints what is left. */
  close(): void;
}

class RowPrinter implements Printer {
  changed(runs: Iterable<StoredRun>): void {
    for (const { rowJson } of runs) if (rowJson) process.stdout.write(`${printableJson(rowJson)}\n`);
  }

  gone(): void {}

  close(): void {}
}

/** What is known of a run that has not been printed for good. */
interface Shown {
  readonly run: StoredRun;
  changedAt: number;
}

class TreePrinter implements Printer {
  readonly #jaegerUrl: string | undefined;
  /** Whether runs in progress are drawn, as a block below everything else. */
  readonly #isLive: boolean;
  readonly #shown = new Map<string, Shown>();
  readonly #timer = setInterval(() => this.#draw(), DRAW_MILLIS);
  /** How many lines the live block has. */
  #lines = 0;

  constructor(jaegerUrl: string | undefined, isLive: boolean) {
    this.#jaegerUrl = jaegerUrl;
    this.#isLive = isLive;
  }

  changed(runs: Iterable<StoredRun>): void {
    for (const run of runs) this.#shown.set(run.traceId, { run, changedAt: performance.now() });
  }

  /** A run that leaves memory is printed as far as it has come: it must not be held here. */
  gone(traceIds: readonly string[]): void {
    this.#printForGood(traceIds.flatMap((traceId) => this.#shown.get(traceId) ?? []));
  }

  close(): void {
    clearInterval(this.#timer);
    this.#printForGood([...this.#shown.values()]);
  }

  #draw(): void {
    const now = performance.now();
    const ended = [...this.#shown.values()].filter(
      ({ run: { row }, changedAt }) => !row?.live && row?.status !== 'unknown' && now - changedAt >= QUIET_MILLIS,
    );
    this.#printForGood(ended);
    if (this.#isLive) this.#drawLive();
  }

  #printForGood(shown: readonly Shown[]): void {
    if (shown.length > 0) this.#clear();
    for (const { run } of shown) {
      process.stdout.write(this.#treeOf(run));
      this.#shown.delete(run.traceId);
    }
  }

  #drawLive(): void {
    const room = Math.max(1, (process.stdout.rows || 24) - 2);
    const text = [...this.#shown.values()].map(({ run }) => this.#treeOf(run)).join('');
    const lines = text.split('\n').slice(-room - 1);
    this.#clear();
    if (this.#shown.size === 0) return;
    // The block is cleared by its number of lines: meanwhile the terminal may not break one that is longer than it is wide.
    process.stdout.write(`\u001b[?7l${lines.join('\n')}\u001b[?7h`);
    this.#lines = lines.length - 1;
  }

  #clear(): void {
    if (this.#lines > 0) process.stdout.write(`\u001b[${this.#lines}A\u001b[0J`);
    this.#lines = 0;
  }

  #treeOf(run: StoredRun): string {
    return tree(decodeRequest(JSON.stringify(run.otlp(Date.now()))), {
      ...outputLook(),
      jaegerUrl: this.#jaegerUrl ?? null,
    });
  }
}
