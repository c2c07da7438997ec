/** Notices that the span processors are missing, or listed in the wrong order. */
import type { Span } from '@opentelemetry/api';
import { unwrapped } from '../../otel/unwrap-span.js';
import { guarded } from '../../util/diagnostics.js';
import { reportOmission } from '../../util/omissions.js';
import { managedSpanOf } from '../settle/managed-span.js';

/** A symbol of the registry, so that a second copy of this package knows the mark too. */
const STATUS_PROCESSOR = Symbol.for('runtrace.status_processor');

interface MarkedProcessor {
  readonly [STATUS_PROCESSOR]?: { readonly exports: boolean };
}

let isMade = false;

/** Marks a processor that applies the status-priority rule; `exports`: it delivers spans too. */
export function markStatusProcessor(processor: object, exports: boolean): void {
  isMade = true;
  Object.defineProperty(processor, STATUS_PROCESSOR, { value: { exports } });
}

let checkedProcessors = false;

/** Looks at the processors behind the first span of a run. */
export function checkProcessors(span: Span): void {
  if (checkedProcessors) return;
  checkedProcessors = true;
  guarded('the check of the span processors failed', () => {
    checkSdkVersion(span);
    const processors = processorsOf(span);
    if (!processors) return;
    const position = processors.findIndex((processor) => processor[STATUS_PROCESSOR] !== undefined);
    const elsewhere = position === -1 && isMade ? IN_ANOTHER_SDK : undefined;
    const exporting = processors.filter((processor) => processor[STATUS_PROCESSOR]?.exports !== false);
    if (exporting.length === 0) reportOmission('RUNTRACE_NO_EXPORTER', elsewhere);
    // A vendor may have another way to hand each span to the others.
    else if (position === -1 && !managedSpanOf(span)?.isGuarded) reportOmission('RUNTRACE_NO_PROCESSOR', elsewhere);
    else if (position > 0) reportOmission('RUNTRACE_PROCESSOR_NOT_FIRST');
  });
}

const IN_ANOTHER_SDK =
  'one was made, but for another SDK than the one that is registered: of two, the first that is started counts. It may come from ' +
  '--import or --require, such as @opentelemetry/auto-instrumentations-node/register: start only the one with the processor';

/**
 * The SDK 1.x has `instrumentationLibrary` in the place of `instrumentationScope`, as a field. Datadog's provider, which delivers by itself, has
 * it as a getter.
 */
function checkSdkVersion(span: Span): void {
  if (Object.hasOwn(unwrapped(span), 'instrumentationLibrary')) reportOmission('RUNTRACE_SDK_VERSION');
}

/**
 * The SDK has no public way to ask which processors it has. This is the only look into its private fields (SDK 2.x and 3.x:
 * `Span._spanProcessor`, `MultiSpanProcessor._spanProcessors`); where they are missing, nothing is reported.
 */
function processorsOf(span: Span): MarkedProcessor[] | undefined {
  const { _spanProcessor: all } = unwrapped(span) as { _spanProcessor?: { _spanProcessors?: unknown } };
  const list = all?._spanProcessors;
  return Array.isArray(list) ? list.flatMap(heldBy) : undefined;
}

/** A vendor may list one processor that holds the application's in a field (`@vercel/otel` 2: `CompositeSpanProcessor.processors`). */
function heldBy(processor: MarkedProcessor): MarkedProcessor[] {
  if (processor[STATUS_PROCESSOR] !== undefined) return [processor];
  return Object.values(processor).find(isProcessors) ?? [processor];
}

function isProcessors(value: unknown): value is MarkedProcessor[] {
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one?.onStart === 'function');
}
