/** Says what was checked, line by line, and counts. */
export class Checks {
  #passed = 0;
  #failed = 0;
  #skipped = 0;

  /** A group of checks. If it throws before all were made, that is a failed one. */
  async group(title: string, checks: () => Promise<void>): Promise<void> {
    say(`\n${title}`);
    try {
      await checks();
    } catch (error) {
      await this.check(`${title}: all of its checks are made`, () => Promise.reject(error));
    }
  }

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

  /** Says that a check was not made, and why. */
  skip(name: string, reason: string): void {
    this.#skipped++;
    say(`  skip  ${name}: ${reason}`);
  }

  /** The last line, and whether all is well. */
  end(): boolean {
    const skipped = this.#skipped > 0 ? `, ${this.#skipped} skipped` : '';
    say(`${this.#passed} passed, ${this.#failed} failed${skipped}`);
    return this.#failed === 0;
  }
}

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
