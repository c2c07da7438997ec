import type { Attempt, SpanNode } from '../../model.js';
import { CopyMenu } from '../parts/copy.js';
import { bytes } from '../parts/format.js';
import { LongText, readable } from '../parts/long-text.js';
import { curlOf } from './curl.js';
import { type Captured, headersNote, whyNoRequestBody, whyNoResponseBody } from './missing.js';

interface AttemptDetailProps {
  readonly span: SpanNode;
  readonly attempt: Attempt;
  readonly captured: Captured;
  readonly onCompare: (number: number) => void;
}

/** One attempt: what was sent, and what came back. */
export function AttemptDetail({ span, attempt, captured, onCompare }: AttemptDetailProps) {
  const others = span.attempts.filter(({ number }) => number !== attempt.number);
  return (
    <div class="attempt-detail">
      <div class="toolbar">
        <CopyMenu
          label={`Copy attempt ${attempt.number}`}
          items={[
            { name: 'as curl', text: () => curlOf(span, attempt) },
            { name: 'as JSON', text: () => JSON.stringify(attempt, null, 2) },
          ]}
        />
        {others.length > 0 && (
          <select
            aria-label="Compare with another attempt"
            value=""
            onChange={({ currentTarget }) => onCompare(Number(currentTarget.value))}
          >
            <option value="">compare with…</option>
            {others.map(({ number, code, status }) => (
              <option key={number} value={number}>
                attempt {number} ({code ?? status})
              </option>
            ))}
          </select>
        )}
        {attempt.truncatedBytes !== undefined && (
          <span class="note">{bytes(attempt.truncatedBytes)} of the bodies were not recorded</span>
        )}
      </div>
      <div class="sides">
        <section aria-label="Request">
          <h4>request</h4>
          <p class="url">
            {attempt.method} {attempt.url ?? <i>the URL is not known</i>}
          </p>
          <Headers of={attempt.requestHeaders} />
          {headersNote(captured) && <p class="note">{headersNote(captured)}</p>}
          <Body text={attempt.requestBody} label="request body" reason={whyNoRequestBody(span, attempt, captured)} />
        </section>
        <section aria-label="Response">
          <h4>response {attempt.code}</h4>
          <Headers of={attempt.responseHeaders} />
          <Body text={attempt.responseBody} label="response body" reason={whyNoResponseBody(attempt, captured)} />
        </section>
      </div>
    </div>
  );
}

function Headers({ of }: { of: Readonly<Record<string, string>> }) {
  const headers = Object.entries(of);
  if (headers.length === 0) return <p class="note">no headers were recorded</p>;
  return (
    <dl class="headers">
      {headers.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Body({ text, label, reason }: { text: string | undefined; label: string; reason: string }) {
  return text === undefined ? (
    <p class="note">
      {label}: {reason}
    </p>
  ) : (
    <LongText text={readable(text)} label={label} />
  );
}
