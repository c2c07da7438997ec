import type { ComponentChildren } from 'preact';

/** A fact of both sides; `text` decides whether they differ. */
export interface Compared {
  readonly name: string;
  readonly texts: readonly [string, string];
  /** What is shown in place of the texts. */
  readonly shown?: readonly [ComponentChildren, ComponentChildren];
}

interface CompareTableProps {
  readonly caption: string;
  readonly heads: readonly [ComponentChildren, ComponentChildren];
  readonly rows: readonly Compared[];
}

/** Two things side by side. A row that differs has a sign and stands out; a row that is empty on both sides is left out. */
export function CompareTable({ caption, heads, rows }: CompareTableProps) {
  return (
    <table class="compare">
      <caption class="unseen">{caption}</caption>
      <thead>
        <tr>
          <td />
          <th scope="col">{heads[0]}</th>
          <th scope="col">{heads[1]}</th>
        </tr>
      </thead>
      <tbody>
        {rows
          .filter(({ texts }) => texts[0] !== '' || texts[1] !== '')
          .map(({ name, texts, shown = texts }) => {
            const differs = texts[0] !== texts[1];
            return (
              <tr key={name} class={differs ? 'differs' : ''}>
                <th scope="row">
                  {name}
                  {differs && (
                    <span class="sign">
                      <span aria-hidden="true"> ≠</span>
                      <span class="unseen"> differs</span>
                    </span>
                  )}
                </th>
                <td>{shown[0] || '–'}</td>
                <td>{shown[1] || '–'}</td>
              </tr>
            );
          })}
      </tbody>
    </table>
  );
}

interface CompareTextsProps {
  readonly title: string;
  readonly texts: readonly [string, string];
}

/** Two texts side by side, with the lines marked that the other one does not have. */
export function CompareTexts({ title, texts }: CompareTextsProps) {
  const lines = texts.map((text) => text.split('\n')) as [string[], string[]];
  const sets = [new Set(lines[1]), new Set(lines[0])] as const;
  return (
    <section class="compare-texts" aria-label={title}>
      <h3>
        {title} {texts[0] === texts[1] && <span class="note">the same on both sides</span>}
      </h3>
      <div class="sides">
        {lines.map((side, index) => (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a long text scrolls, also by keys.
          <pre class="text" key={index} tabIndex={0} role="region" aria-label={`${title}, side ${index + 1}`}>
            {runsOf(side, sets[index as 0 | 1]).map(({ text, isOnlyHere }, run) =>
              isOnlyHere ? <mark key={run}>{text}</mark> : <span key={run}>{text}</span>,
            )}
          </pre>
        ))}
      </div>
    </section>
  );
}

/** Neighbouring lines that are alike in this are one element: a body may have thousands of lines. */
function runsOf(lines: readonly string[], other: ReadonlySet<string>): { text: string; isOnlyHere: boolean }[] {
  const runs: { text: string; isOnlyHere: boolean }[] = [];
  for (const line of lines) {
    const isOnlyHere = !other.has(line);
    const last = runs.at(-1);
    if (last?.isOnlyHere === isOnlyHere) last.text += `${line}\n`;
    else runs.push({ text: `${line}\n`, isOnlyHere });
  }
  return runs;
}
