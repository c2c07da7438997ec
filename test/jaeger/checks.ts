/** Says what was checked, line by line, and counts. */
export class Checks {
  #passed = 0;
  #failed = 0;

  /** Runs a check: it fails if it throws. */
  async check(name: string, check: () => unknown): Promise<void> {
    try {
      await check();
      this.#passed++;
      say(`  ok    ${name}`);
    } catch (error) {
      this.#failed++;
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      say(`  FAIL  ${name}\n${text.replace(/^/gm, '        ')}`);
    }
  }

  /** The last line, and whether all is well. */
  end(): boolean {
    say(`${this.#passed} passed, ${this.#failed} failed`);
    return this.#failed === 0;
  }
}

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
