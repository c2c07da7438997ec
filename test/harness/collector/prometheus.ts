/** Reads Prometheus's text format. */

/** The samples of a page. */
export interface Samples {
  /** The sum of the samples of this name, of those with this text in their labels (`code="429"`); 0 if there is none. */
  sum(name: string, label?: string): number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;

/** The samples that a URL serves. */
export async function readSamples(url: string): Promise<Samples> {
  const lines = (await (await fetch(url)).text()).split('\n').flatMap((line) => {
    const [, name, labels = '', value] = LINE.exec(line) ?? [];
    return name ? [{ name, labels, value: Number(value) }] : [];
  });
  return {
    sum: (wanted, label) =>
      lines
        .filter(({ name, labels }) => name === wanted && (!label || labels.includes(label)))
        .reduce((total, { value }) => total + value, 0),
  };
}
