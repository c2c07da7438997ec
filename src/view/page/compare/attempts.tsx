import type { Attempt, SpanNode } from '../../model.js';
import { bytes, millisText, tokens } from '../parts/format.js';
import { readable } from '../parts/long-text.js';
import { Status, WORDS } from '../parts/status.js';
import { errorText } from '../step/attempts.js';
import { sameBodyAs } from '../step/missing.js';
import { type Compared, CompareTable, CompareTexts } from './table.js';

interface CompareAttemptsProps {
  readonly span: SpanNode;
  readonly numbers: readonly [number, number];
  readonly onClose: () => void;
}

/** Two attempts of a step side by side. */
export function CompareAttempts({ span, numbers, onClose }: CompareAttemptsProps) {
  const find = (number: number) => span.attempts.find((attempt) => attempt.number === number);
  const [a, b] = [find(numbers[0]), find(numbers[1])];
  if (!a || !b) return <p class="empty">The span has no attempts {numbers.join(' and ')}.</p>;
  const sent = [bodyOf(span, a), bodyOf(span, b)] as const;
  const received = [readable(a.responseBody ?? ''), readable(b.responseBody ?? '')] as const;
  return (
    <section class="step" id="step" tabIndex={-1} aria-labelledby="step-name">
      <header>
        <h2 id="step-name">
          attempts {a.number} and {b.number} of {span.name}
        </h2>
        <button type="button" onClick={onClose}>
          Close
        </button>
      </header>
      <CompareTable
        caption="The two attempts"
        heads={[`attempt ${a.number}`, `attempt ${b.number}`]}
        rows={[
          ...facts(a, b),
          ...headers('request header', a.requestHeaders, b.requestHeaders),
          ...headers('response header', a.responseHeaders, b.responseHeaders),
        ]}
      />
      {sent.some(Boolean) && <CompareTexts title="request body" texts={sent} />}
      {received.some(Boolean) && <CompareTexts title="response body" texts={received} />}
    </section>
  );
}

function bodyOf(span: SpanNode, attempt: Attempt): string {
  return readable(attempt.requestBody ?? sameBodyAs(span, attempt)?.requestBody ?? '');
}

function facts(a: Attempt, b: Attempt): Compared[] {
  const row = (name: string, of: (attempt: Attempt) => string | number | undefined): Compared => ({
    name,
    texts: [String(of(a) ?? ''), String(of(b) ?? '')],
  });
  const size = (value: number | undefined) => (value === undefined ? undefined : bytes(value));
  return [
    { ...row('ended', ({ status }) => WORDS[status]), shown: [<Status of={a.status} />, <Status of={b.status} />] },
    row('code', ({ code }) => code),
    row('error', errorText),
    row('asked', ({ askedMillis }) => millisText(askedMillis)),
    row('waited', ({ waitMillis }) => millisText(waitMillis)),
    row('first chunk', ({ firstChunkMillis }) => millisText(firstChunkMillis)),
    row('duration', ({ startMillis, endMillis }) =>
      millisText(endMillis === undefined ? undefined : endMillis - startMillis),
    ),
    row('tokens', ({ usage }) => usage && tokens(usage.inputTokens, usage.outputTokens)),
    row('sent', ({ requestBodyBytes }) => size(requestBodyBytes)),
    row('received', ({ responseBodyBytes }) => size(responseBodyBytes)),
    row('URL', ({ method, url }) => [method, url].filter(Boolean).join(' ')),
  ];
}

function headers(prefix: string, a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): Compared[] {
  const own = (of: Readonly<Record<string, string>>, name: string) =>
    Object.hasOwn(of, name) ? (of[name] as string) : '';
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].sort().map((name) => ({
    name: `${prefix} ${name}`,
    texts: [own(a, name), own(b, name)] as const,
  }));
}
