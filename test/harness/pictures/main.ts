/**
 * Draws the picture at the top of the README from the runs of the demo:
 *
 *     npm run demo && npm run pictures
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { tree } from '../../../src/cli/tree.js';
import { readOtlpFile } from '../../../src/exporter/otlp/file-reader.js';
import type { ReadableSpan } from '../../../src/exporter/otlp/span.js';

const FILE = 'demo-traces.jsonl';
const PICTURE = 'docs/images/runs.svg';
/** The first runs of the demo: retried, broken, stopped, failed. */
const RUNS = 4;
const COLUMNS = 92;

/** Colours that can be read on light and on dark pages, by ANSI code. */
const COLOURS: Readonly<Record<string, string>> = {
  '2': 'fill="#8b949e"',
  '31': 'fill="#f47067"',
  '32': 'fill="#57ab5a"',
  '33': 'fill="#c69026"',
  '36': 'fill="#39c5cf"',
};
const CHARACTER_WIDTH = 7.83;
const LINE_HEIGHT = 19;
const MARGIN = 18;

const spans: ReadableSpan[] = [];
for await (const line of readOtlpFile(FILE)) if ('spans' in line) spans.push(...line.spans);
const lines = tree(spans, { colors: true, width: COLUMNS })
  .split('\n\n')
  .slice(0, RUNS)
  .join('\n\n')
  .split('\n')
  // The id of the run and the link take room that the picture does not have.
  .filter((line) => !/run [0-9a-f]{8}-|http:\/\/localhost/.test(line));

mkdirSync('docs/images', { recursive: true });
writeFileSync(PICTURE, svg(lines));
console.log(`${PICTURE}: ${RUNS} runs, ${lines.length} lines`);

function svg(rows: readonly string[]): string {
  const width = Math.ceil(COLUMNS * CHARACTER_WIDTH) + 2 * MARGIN;
  const height = rows.length * LINE_HEIGHT + 2 * MARGIN;
  const text = rows.map((row, index) => {
    const y = MARGIN + (index + 0.75) * LINE_HEIGHT;
    return `<text x="${MARGIN}" y="${y}" xml:space="preserve">${coloured(row)}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Runs, steps and attempts of the demo">`,
    `<rect width="100%" height="100%" rx="8" fill="#22272e"/>`,
    '<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="13" fill="#cdd9e5">',
    ...text,
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

/** The ANSI colours of a line as parts of an SVG text. */
function coloured(row: string): string {
  const parts = row.split('\u001b[');
  const [first = '', ...others] = parts;
  let isOpen = false;
  let text = escaped(first);
  for (const part of others) {
    const end = part.indexOf('m');
    const code = part.slice(0, end);
    const colour = COLOURS[code];
    if (code === '0' && isOpen) {
      text += '</tspan>';
      isOpen = false;
    } else if (colour && !isOpen) {
      text += `<tspan ${colour}>`;
      isOpen = true;
    }
    text += escaped(part.slice(end + 1));
  }
  return isOpen ? `${text}</tspan>` : text;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
