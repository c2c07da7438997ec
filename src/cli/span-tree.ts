import type { HrTime } from '@opentelemetry/api';
import type { ReadableSpan } from '../exporter/otlp/span.js';
import * as names from '../otel/names.js';

/** A span with the spans below it. */
export interface SpanNode {
  readonly span: ReadableSpan;
  parent: SpanNode | undefined;
  readonly children: SpanNode[];
}

/** A tree to show: a run, or the spans of runs whose own span is missing. */
export interface RunTree {
  readonly traceId: string;
  /** `undefined` if no span of the run itself is there. */
  readonly run: SpanNode | undefined;
  /** The run's own node, or the topmost spans of the runs that are missing. */
  readonly tops: readonly SpanNode[];
}

export function isRun(span: ReadableSpan): boolean {
  return span.attributes[names.RUN_KIND] !== undefined;
}

export function isStep(span: ReadableSpan): boolean {
  return span.attributes[names.STEP_NUMBER] !== undefined;
}

/**
 * The runs in `spans`, in the order in which they began. Spans that belong to no run are left out. A span that was delivered twice is
 * there once. The input may hold anything: chains of any depth and circles of parents too.
 */
export function runTrees(spans: readonly ReadableSpan[]): RunTree[] {
  const nodes = linkedNodes(spans);
  const trees: RunTree[] = [];
  const orphans = new Map<string, SpanNode[]>();
  for (const node of topmostOfRuns(nodes)) {
    const { traceId } = node.span.spanContext();
    if (isRun(node.span)) {
      trees.push({ traceId, run: node, tops: [node] });
      continue;
    }
    const together = orphans.get(traceId);
    if (together) {
      together.push(node);
      continue;
    }
    const tops = [node];
    orphans.set(traceId, tops);
    trees.push({ traceId, run: undefined, tops });
  }
  return trees;
}

/** One node for each span, in order of start, linked to its parent. */
function linkedNodes(spans: readonly ReadableSpan[]): SpanNode[] {
  const byId = new Map<string, SpanNode>();
  for (const span of [...spans].sort((a, b) => compareTimes(a.startTime, b.startTime))) {
    byId.set(idOf(span.spanContext()), { span, parent: undefined, children: [] });
  }
  for (const node of byId.values()) {
    const { parentSpanContext } = node.span;
    node.parent = parentSpanContext && byId.get(idOf(parentSpanContext));
  }
  cutCircles(byId.values());
  for (const node of byId.values()) node.parent?.children.push(node);
  return [...byId.values()];
}

/** Takes the parent from one node of each circle. Each node is visited once. */
function cutCircles(nodes: Iterable<SpanNode>): void {
  const finished = new Set<SpanNode>();
  for (const start of nodes) {
    const path = new Set<SpanNode>();
    let node: SpanNode | undefined = start;
    while (node && !finished.has(node)) {
      path.add(node);
      if (node.parent && path.has(node.parent)) node.parent = undefined;
      node = node.parent;
    }
    for (const visited of path) finished.add(visited);
  }
}

/** The spans of runs that have no span of a run above them, in order of start. */
function topmostOfRuns(nodes: readonly SpanNode[]): SpanNode[] {
  const inside = new Set<SpanNode>();
  const roots = nodes.filter((node) => node.parent === undefined);
  const pending = [...roots];
  for (let node = pending.pop(); node; node = pending.pop()) {
    const isInside = inside.has(node) || belongsToRun(node.span);
    for (const child of node.children) {
      if (isInside) inside.add(child);
      pending.push(child);
    }
  }
  return nodes.filter((node) => belongsToRun(node.span) && !inside.has(node));
}

function belongsToRun(span: ReadableSpan): boolean {
  return isRun(span) || isStep(span) || span.attributes[names.RUN_ID] !== undefined;
}

function idOf({ traceId, spanId }: { traceId: string; spanId: string }): string {
  return `${traceId}-${spanId}`;
}

function compareTimes(a: HrTime, b: HrTime): number {
  return a[0] - b[0] || a[1] - b[1];
}
