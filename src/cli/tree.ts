import type { HrTime } from '@opentelemetry/api';
import type { ReadableSpan } from '../exporter/otlp/span.js';
import * as names from '../otel/names.js';

export interface TreeOptions {
  /** Whether to colour with ANSI escapes. Default: false. */
  colors?: boolean;
  /** Columns that a line may have. Default: 100. */
  width?: number;
  /** Where Jaeger's UI is. Default: `http://localhost:16686`. */
  jaegerUrl?: string;
}

/**
 * The runs in `spans`, each as a tree: the run, its steps with every attempt, and whatever else happened inside.
 * Spans that belong to no run are left out. A pure function; nothing that stands in a span can control the terminal.
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
  const { colors = false, width = 100, jaegerUrl = 'http://localhost:16686' } = options;
  const blocks = topmost(linked(spans)).map((nodes) => {
    const { traceId } = nodes[0].span.spanContext();
    const link: Cell = [`${jaegerUrl.replace(/\/+$/, '')}/trace/${traceId}`, 'cyan'];
    if (isRun(nodes[0].span)) return nodeRows(nodes[0], '', '', link);
    const heading: Row = {
      prefix: '',
      cells: [['? a run whose own span is not here', 'yellow'], 'still open, or lost'],
    };
    return [heading, { prefix: '│  ', cells: [link] }, ...childRows(nodes, '', undefined)];
  });
  return blocks.map((rows) => rows.map((row) => `${printRow(row, width, colors)}\n`).join('')).join('\n');
}

interface Node {
  span: ReadableSpan;
  parent: Node | undefined;
  children: Node[];
}

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';
/** Cells are printed with two spaces between them; an empty one is left out. */
type Cell = string | [text: string, ...styles: Style[]];
interface Row {
  prefix: string;
  cells: Cell[];
}

/** One node a span, in order of start, linked; a span that was delivered twice is there once. */
function linked(spans: readonly ReadableSpan[]): Node[] {
  const byId = new Map<string, Node>();
  for (const span of [...spans].sort((a, b) => compareTimes(a.startTime, b.startTime))) {
    byId.set(idOf(span.spanContext()), { span, parent: undefined, children: [] });
  }
  for (const node of byId.values()) {
    const { parentSpanContext } = node.span;
    const parent = parentSpanContext && byId.get(idOf(parentSpanContext));
    // A file may hold anything, a circle of parents too.
    if (!parent || parent === node || ancestors(parent).includes(node)) continue;
    node.parent = parent;
    parent.children.push(node);
  }
  return [...byId.values()];
}

/** Each run that is inside no other; and for each trace, what is left of runs whose own span is missing. */
function topmost(nodes: readonly Node[]): [Node, ...Node[]][] {
  const tops: [Node, ...Node[]][] = [];
  const orphans = new Map<string, [Node, ...Node[]]>();
  for (const node of nodes) {
    if (!belongsToRun(node.span) || ancestors(node).some((ancestor) => belongsToRun(ancestor.span))) continue;
    const { traceId } = node.span.spanContext();
    const together = isRun(node.span) ? undefined : orphans.get(traceId);
    if (together) {
      together.push(node);
      continue;
    }
    const top: [Node] = [node];
    tops.push(top);
    if (!isRun(node.span)) orphans.set(traceId, top);
  }
  return tops;
}

/** `link` only for the topmost run: the ones inside are on the same page. */
function nodeRows(node: Node, first: string, rest: string, link: Cell | undefined): Row[] {
  const { span, children } = node;
  const [heading, ...details] = isRun(span)
    ? runCells(span, link)
    : [isStep(span) ? stepCells(span) : otherCells(span)];
  const prefix = `${rest}${children.length > 0 ? '│  ' : '   '}`;
  return [
    { prefix: first, cells: heading as Cell[] },
    ...[...details, ...attemptCells(span)].map((cells) => ({ prefix, cells })),
    ...childRows(children, rest, undefined),
  ];
}

function childRows(children: readonly Node[], rest: string, link: Cell | undefined): Row[] {
  return children.flatMap((child, i) => {
    const isLast = i === children.length - 1;
    return nodeRows(child, `${rest}${isLast ? '└─ ' : '├─ '}`, `${rest}${isLast ? '   ' : '│  '}`, link);
  });
}

function runCells(span: ReadableSpan, link: Cell | undefined): Cell[][] {
  const { attributes } = span;
  const conversation = attributes[names.GEN_AI_CONVERSATION_ID];
  return [
    [
      [`${mark(span)} ${attributes[names.RUN_KIND]}`, 'bold', statusStyle(span)],
      span.name,
      ...outcomeCells(span),
      tokens(attributes[names.RUN_INPUT_TOKENS], attributes[names.RUN_OUTPUT_TOKENS]),
    ],
    [[`run ${attributes[names.RUN_ID]}`, 'dim'], conversation === undefined ? '' : `conversation ${conversation}`],
    ...(link ? [[link]] : []),
  ];
}

function stepCells(span: ReadableSpan): Cell[] {
  const { attributes } = span;
  return [
    [`${mark(span)} ${attributes[names.STEP_NUMBER]} ${span.name}`, statusStyle(span)],
    ...outcomeCells(span),
    tokens(attributes[names.GEN_AI_USAGE_INPUT_TOKENS], attributes[names.GEN_AI_USAGE_OUTPUT_TOKENS]),
  ];
}

function otherCells(span: ReadableSpan): Cell[] {
  return [[`${mark(span)} ${span.name}`, statusStyle(span)], ...outcomeCells(span)];
}

function outcomeCells(span: ReadableSpan): Cell[] {
  const errorType = span.attributes[names.ERROR_TYPE];
  return [
    [text(span.attributes[names.STATUS]), statusStyle(span)],
    millis(span.duration[0] * 1000 + span.duration[1] / 1e6),
    errorType === undefined ? '' : [text(errorType), 'red'],
  ];
}

/** One row an attempt, in columns; a column that no attempt has anything for is left out. */
function attemptCells(span: ReadableSpan): Cell[][] {
  const attempts = span.events
    .filter((event) => event.name === names.EVENT_ATTEMPT)
    .map(({ attributes: of = {} }) => {
      const status = text(of[names.ATTEMPT_STATUS]);
      const code = text(of[names.HTTP_RESPONSE_STATUS_CODE]);
      const saysItAll = status === 'completed' || Number(code) >= 400;
      return {
        style: (status === 'completed' ? 'green' : status === 'failed' ? 'red' : 'yellow') as Style,
        columns: [
          `#${of[names.ATTEMPT_NUMBER]}`,
          code && saysItAll ? code : `${code} ${status}`.trim(),
          millis(of[names.ATTEMPT_DURATION_MS]),
          labelled('waited', millis(of[names.ATTEMPT_WAIT_MS])),
          labelled('first chunk', millis(of[names.ATTEMPT_TIME_TO_FIRST_CHUNK_MS])),
          [of[names.ERROR_TYPE] === code ? '' : text(of[names.ERROR_TYPE]), text(of[names.EXCEPTION_MESSAGE])]
            .filter(Boolean)
            .join(': '),
        ],
      };
    });
  // The last column has nothing to its right that it must make room for.
  const widths = [0, 1, 2, 3, 4].map((i) => Math.max(0, ...attempts.map(({ columns }) => columns[i]?.length ?? 0)));
  const rows = attempts.map(({ style, columns }) =>
    columns.map((column, i): Cell => {
      const isRightAligned = i === 0 || i === 2;
      const padded = isRightAligned ? column.padStart(widths[i] ?? 0) : column.padEnd(widths[i] ?? 0);
      return i === 1 ? [padded, style] : padded;
    }),
  );
  const dropped = Number(span.attributes[names.STEP_DROPPED_ATTEMPT_COUNT] ?? 0);
  return dropped > 0 ? [...rows, [[`and ${dropped} more attempts in the middle that were not kept`, 'dim']]] : rows;
}

function isRun(span: ReadableSpan): boolean {
  return span.attributes[names.RUN_KIND] !== undefined;
}

function isStep(span: ReadableSpan): boolean {
  return span.attributes[names.STEP_NUMBER] !== undefined;
}

function belongsToRun(span: ReadableSpan): boolean {
  return isRun(span) || isStep(span) || span.attributes[names.RUN_ID] !== undefined;
}

function ancestors(node: Node): Node[] {
  const above: Node[] = [];
  for (let it = node.parent; it; it = it.parent) above.push(it);
  return above;
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

function tokens(input: unknown, output: unknown): string {
  return input === undefined && output === undefined ? '' : `${input ?? '?'} in, ${output ?? '?'} out`;
}

function labelled(label: string, value: string): string {
  return value && `${label} ${value}`;
}

function millis(value: unknown): string {
  if (typeof value !== 'number') return '';
  if (value < 1000) return `${value < 10 ? Number(value.toFixed(1)) : Math.round(value)} ms`;
  const seconds = value / 1000;
  return seconds < 60 ? `${seconds.toFixed(2)} s` : `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
}

function text(value: unknown): string {
  return value === undefined ? '' : String(value);
}

const ANSI: Record<Style, number> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };

function printRow({ prefix, cells }: Row, width: number, colors: boolean): string {
  let line = prefix;
  let room = width - prefix.length;
  for (const cell of cells) {
    const [raw, ...styles] = typeof cell === 'string' ? [cell] : cell;
    const gap = line === prefix ? '' : '  ';
    const shown = shortened(printable(raw), room - gap.length);
    if (shown === '') continue;
    room -= gap.length + shown.length;
    const codes = styles.map((style) => `\u001b[${ANSI[style]}m`).join('');
    line += colors && codes ? `${gap}${codes}${shown}\u001b[0m` : gap + shown;
  }
  return line.trimEnd();
}

function shortened(value: string, room: number): string {
  if (value.length <= room) return value;
  return room < 2 ? '' : `${value.slice(0, room - 1)}…`;
}

/** Names come from whoever wrote the file: no escape sequence, line break or change of direction reaches the terminal. */
function printable(value: string): string {
  return value.replace(/[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '·');
}

function idOf({ traceId, spanId }: { traceId: string; spanId: string }): string {
  return `${traceId}-${spanId}`;
}

function compareTimes(a: HrTime, b: HrTime): number {
  return a[0] - b[0] || a[1] - b[1];
}
