import type { ReadableSpan } from '../exporter/otlp/span.js';
import * as names from '../otel/names.js';
import { shownMillis } from '../util/shown-millis.js';
import { withoutLastSlashes } from '../util/url-parts.js';
import { columnsOf, shortened } from './columns.js';
import { isRun, isStep, type RunTree, runTrees, type SpanNode } from './span-tree.js';
import { printable } from './terminal.js';

export interface TreeOptions {
  /** Whether to colour the text with ANSI escape sequences. Default: false. */
  colors?: boolean;
  /** The most columns of a line; ids and links stay whole. Default: no limit. */
  width?: number;
  /** The address of Jaeger's page; `null` if the runs are not in a Jaeger. Default: `http://localhost:16686`. */
  jaegerUrl?: string | null;
}

/**
 * The runs in `spans`, each as a tree: the run, its steps with every attempt, and the other spans inside of it. Spans that belong to no
 * run are left out. A pure function; no text of a span can control the terminal.
 *
 * ```text
 * ✔ chat_turn  invoke_agent support  completed  1.61 s  42 in, 17 out
 * │  run 0b6f0c9e-5a3f-4c93-9d53-6e1f6f1b2a11  conversation c-1
 * │  http://localhost:16686/trace/5b8efff798038103d269b633813fc60c
 * └─ ✔ 1 chat gpt-5  completed  1.60 s  42 in, 17 out
 *       #1  429   12 ms                 rate_limit_error
 *       #2  200  1.09 s  waited 501 ms
 * ```
 */
export function tree(spans: readonly ReadableSpan[], options: TreeOptions = {}): string {
  const { colors = false, width = Number.POSITIVE_INFINITY, jaegerUrl = 'http://localhost:16686' } = options;
  return runTrees(spans)
    .map((run) =>
      rowsOf(
        run,
        jaegerUrl == null ? undefined : withoutLastSlashes(jaegerUrl),
        Math.min(MAX_INDENTED_LEVELS, Math.floor(width / 6)),
      ),
    )
    .map((rows) => rows.map((row) => `${printRow(row, width, colors)}\n`).join(''))
    .join('\n');
}

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';
/** Cells are printed with two spaces between them; an empty one is left out. */
type Cell = string | [text: string, ...styles: Style[]];
interface Line {
  cells: Cell[];
  /** Ids and links are of no use in part: a narrow terminal breaks their line. */
  isWhole?: boolean;
}
interface Row extends Line {
  prefix: string;
}

/** Enough for what people nest; at 100 columns they take half of a line, and of a narrower one no more. */
const MAX_INDENTED_LEVELS = 16;

/** Levels below `indentedLevels` are not indented any further: the lines would have no room for text. */
function rowsOf({ traceId, run, tops }: RunTree, jaegerUrl: string | undefined, indentedLevels: number): Row[] {
  const link: Line | undefined =
    jaegerUrl === undefined ? undefined : { cells: [[`${jaegerUrl}/trace/${traceId}`, 'cyan']], isWhole: true };
  const rows: Row[] = [];
  if (!run) {
    rows.push({ prefix: '', cells: [['? a run whose own span is missing', 'yellow'], 'still open, or lost'] });
    if (link) rows.push({ prefix: '│  ', ...link });
  }
  // A stack, not recursion: the input decides how deep the tree is.
  const pending: { node: SpanNode; first: string; rest: string; level: number }[] = [];
  const push = (nodes: readonly SpanNode[], rest: string, level: number) => {
    const indent = level <= indentedLevels;
    for (let index = nodes.length - 1; index >= 0; index--) {
      const isLast = index === nodes.length - 1;
      const first = indent ? `${rest}${isLast ? '└─ ' : '├─ '}` : `${rest}… ${level}  `;
      const below = indent ? `${rest}${isLast ? '   ' : '│  '}` : rest;
      pending.push({ node: nodes[index] as SpanNode, first, rest: below, level });
    }
  };
  if (run) pending.push({ node: run, first: '', rest: '', level: 0 });
  else push(tops, '', 1);
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { node, first, rest, level } = next;
    const { span, children } = node;
    const prefix = `${rest}${children.length > 0 ? '│  ' : '   '}`;
    rows.push({ prefix: first, cells: headingCells(span) });
    for (const line of detailLines(span, node === run ? link : undefined)) rows.push({ prefix, ...line });
    push(children, rest, level + 1);
  }
  return rows;
}

function headingCells(span: ReadableSpan): Cell[] {
  if (isRun(span)) return runCells(span);
  return isStep(span) ? stepCells(span) : otherCells(span);
}

/** `link` only for the topmost run: the runs inside of it are on the same page. */
function detailLines(span: ReadableSpan, link: Line | undefined): Line[] {
  const attempts = attemptCells(span).map((cells) => ({ cells }));
  return [...(isRun(span) ? [identity(span)] : []), ...(link ? [link] : []), ...attempts];
}

function runCells(span: ReadableSpan): Cell[] {
  const { attributes } = span;
  return [
    [`${mark(span)} ${attributes[names.RUN_KIND]}`, 'bold', statusStyle(span)],
    span.name,
    ...outcomeCells(span),
    tokens(attributes[names.RUN_INPUT_TOKENS], attributes[names.RUN_OUTPUT_TOKENS]),
  ];
}

function identity({ attributes }: ReadableSpan): Line {
  const conversation = attributes[names.GEN_AI_CONVERSATION_ID];
  return {
    cells: [
      [`run ${attributes[names.RUN_ID]}`, 'dim'],
      conversation === undefined ? '' : `conversation ${conversation}`,
    ],
    isWhole: true,
  };
}

function stepCells(span: ReadableSpan): Cell[] {
  const { attributes } = span;
  return [
    [`${mark(span)} ${attributes[names.STEP_NUMBER]} ${span.name}`, statusStyle(span)],
    ...outcomeCells(span),
    usage(span),
  ];
}

/** A model span of another instrumentation tells what a step tells; not each has the model in its name. */
function otherCells(span: ReadableSpan): Cell[] {
  const model = text(span.attributes[names.GEN_AI_REQUEST_MODEL]);
  return [
    [`${mark(span)} ${span.name}`, statusStyle(span)],
    span.name.includes(model) ? '' : model,
    ...outcomeCells(span),
    usage(span),
  ];
}

function outcomeCells(span: ReadableSpan): Cell[] {
  const errorType = span.attributes[names.ERROR_TYPE];
  return [
    [text(span.attributes[names.STATUS]), statusStyle(span)],
    duration(span),
    errorType === undefined ? '' : [text(errorType), 'red'],
  ];
}

/** One row for each attempt, in columns; a column that is empty in every row is left out. */
function attemptCells(span: ReadableSpan): Cell[][] {
  const attempts = span.events
    .filter((event) => event.name === names.EVENT_ATTEMPT)
    .map(({ attributes: of = {} }) => {
      const status = text(of[names.ATTEMPT_STATUS]);
      const code = text(of[names.HTTP_RESPONSE_STATUS_CODE]);
      const codeSuffices = status === 'completed' || Number(code) >= 400;
      return {
        style: (status === 'completed' ? 'green' : status === 'failed' ? 'red' : 'yellow') as Style,
        columns: [
          `#${of[names.ATTEMPT_NUMBER]}`,
          code && codeSuffices ? code : `${code} ${status}`.trim(),
          millis(of[names.ATTEMPT_DURATION_MS]),
          labelled('waited', millis(of[names.ATTEMPT_WAIT_MS])),
          labelled('first chunk', millis(of[names.ATTEMPT_TIME_TO_FIRST_CHUNK_MS])),
          [of[names.ERROR_TYPE] === code ? '' : text(of[names.ERROR_TYPE]), text(of[names.EXCEPTION_MESSAGE])]
            .filter(Boolean)
            .join(': '),
        ],
      };
    });
  // The last column needs no padding: nothing stands to its right.
  const widths = [0, 1, 2, 3, 4].map((i) =>
    attempts.reduce((most, { columns }) => Math.max(most, columns[i]?.length ?? 0), 0),
  );
  const rows = attempts.map(({ style, columns }) =>
    columns.map((column, i): Cell => {
      const isRightAligned = i === 0 || i === 2;
      const padded = isRightAligned ? column.padStart(widths[i] ?? 0) : column.padEnd(widths[i] ?? 0);
      return i === 1 ? [padded, style] : padded;
    }),
  );
  if (attempts.length === 0) rows.push(...codesWithoutEvents(span));
  const dropped = Number(span.attributes[names.STEP_DROPPED_ATTEMPT_COUNT] ?? 0);
  return dropped > 0 ? [...rows, [[`and ${dropped} more attempts in the middle that were dropped`, 'dim']]] : rows;
}

/** Some backends drop events. The codes are an attribute: one string, or a list as version 0.1 wrote it. */
function codesWithoutEvents({ attributes }: ReadableSpan): Cell[][] {
  const codes = attributes[names.STEP_ATTEMPT_CODES];
  const line = Array.isArray(codes) ? codes.join(' ') : text(codes);
  return line ? [[`attempts ${line}`]] : [];
}

function mark(span: ReadableSpan): string {
  const status = span.attributes[names.STATUS];
  if (status === 'completed') return '✔';
  if (status === 'interrupted') return '■';
  return isFailed(span) ? '✖' : '·';
}

function statusStyle(span: ReadableSpan): Style {
  const status = span.attributes[names.STATUS];
  if (status === 'completed') return 'green';
  if (status === 'interrupted') return 'yellow';
  return isFailed(span) ? 'red' : 'dim';
}

function isFailed(span: ReadableSpan): boolean {
  return span.attributes[names.STATUS] === 'error' || span.status.code === 2;
}

function usage({ attributes }: ReadableSpan): string {
  return tokens(attributes[names.GEN_AI_USAGE_INPUT_TOKENS], attributes[names.GEN_AI_USAGE_OUTPUT_TOKENS]);
}

function tokens(input: unknown, output: unknown): string {
  return input === undefined && output === undefined ? '' : `${input ?? '?'} in, ${output ?? '?'} out`;
}

/** A backend may give a span that never ended, or whose end is before its start because a clock was set. */
function duration({ duration: [seconds, nanos], endTime }: ReadableSpan): string {
  return endTime[0] === 0 && endTime[1] === 0 ? 'no end' : shownMillis(seconds * 1000 + nanos / 1e6);
}

function labelled(label: string, value: string): string {
  return value && `${label} ${value}`;
}

function millis(value: unknown): string {
  return Number.isFinite(value) ? shownMillis(value as number) : '';
}

function text(value: unknown): string {
  return value === undefined ? '' : String(value);
}

const ANSI: Record<Style, number> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };

function printRow({ prefix, cells, isWhole }: Row, width: number, colors: boolean): string {
  let line = prefix;
  let room = isWhole ? Number.POSITIVE_INFINITY : width - prefix.length;
  for (const cell of cells) {
    const [raw, ...styles] = typeof cell === 'string' ? [cell] : cell;
    const gap = line === prefix ? '' : '  ';
    const text = printable(raw);
    const words = text.trimEnd();
    const cut = shortened(words, room - gap.length);
    // Blanks that pad a column may be left out without a sign.
    const blanks = Math.min(text.length - words.length, room - gap.length - columnsOf(cut));
    const shown = cut + ' '.repeat(Math.max(0, blanks));
    if (shown === '') continue;
    room -= gap.length + columnsOf(shown);
    const codes = styles.map((style) => `\u001b[${ANSI[style]}m`).join('');
    line += colors && codes ? `${gap}${codes}${shown}\u001b[0m` : gap + shown;
  }
  return line.trimEnd();
}
