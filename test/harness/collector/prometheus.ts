/** Reads Prometheus's text format. */

/** The samples of a page. */
export interface Samples {
  /** The sum of the samples of this name, of those that have all of these labels; 0 if there is none. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
  /** The names that there are. */
  readonly names: ReadonlySet<string>;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;

/** The samples that a URL serves. */
export async function readSamples(url: string): Promise<Samples> {
  const lines = (await (await fetch(url)).text()).split('\n').flatMap((line) => {
    const [, name, labels = '', value] = LINE.exec(line) ?? [];
    return name ? [{ name, labels, value: Number(value) }] : [];
  });
  return {
    names: new Set(lines.map(({ name }) => name)),
    sum: (wanted, labels = {}) =>
      lines
        .filter(
          ({ name, labels: own }) =>
            name === wanted && Object.entries(labels).every(([label, value]) => own.includes(`${label}="${value}"`)),
        )
        .reduce((total, { value }) => total + value, 0),
  };
}
