/** How many unchanged lines are shown before and after a change. */
const CONTEXT = 2;

/** The lines that differ, marked with `-` and `+`, and the lines around them; nothing if the texts are equal. */
export function lineDiff(before: string, after: string): string {
  const marked = markedLines(before.split('\n'), after.split('\n'));
  const isNear = (index: number) =>
    marked.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some(({ mark }) => mark !== ' ');
  const shown: string[] = [];
  let skipped = false;
  for (const [index, { mark, line }] of marked.entries()) {
    if (isNear(index)) {
      if (skipped && shown.length > 0) shown.push('  …');
      shown.push(`${mark} ${line}`);
      skipped = false;
    } else skipped = true;
  }
  return shown.join('\n');
}

interface MarkedLine {
  readonly mark: ' ' | '-' | '+';
  readonly line: string;
}

/** By the longest common subsequence: `common(i, j)` is its length for the lines from `i` and from `j`. */
function markedLines(before: readonly string[], after: readonly string[]): MarkedLine[] {
  const width = after.length + 1;
  const lengths = new Uint32Array((before.length + 1) * width);
  const common = (i: number, j: number) => lengths[i * width + j] as number;
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      lengths[i * width + j] =
        before[i] === after[j] ? common(i + 1, j + 1) + 1 : Math.max(common(i + 1, j), common(i, j + 1));
    }
  }
  const marked: MarkedLine[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    if (i < before.length && before[i] === after[j]) {
      marked.push({ mark: ' ', line: before[i] as string });
      i++;
      j++;
    } else if (j === after.length || (i < before.length && common(i + 1, j) >= common(i, j + 1))) {
      marked.push({ mark: '-', line: before[i++] as string });
    } else marked.push({ mark: '+', line: after[j++] as string });
  }
  return marked;
}
