import type { ComponentChildren } from 'preact';
import * as names from '../../../otel/names.js';
import type { RunDetail, SpanEvent, SpanNode } from '../../model.js';
import { hello } from '../data/runs.js';
import { CopyMenu } from '../parts/copy.js';
import { Facts } from '../parts/facts.js';
import { count } from '../parts/format.js';
import { LongText, readable } from '../parts/long-text.js';
import { Glyph, type Shown } from '../parts/status.js';
import { costOfStep, dollars, usageOf } from '../run/cost.js';
import { isModelCall, isTool } from '../run/spans.js';
import { SpanName } from '../run/waterfall.js';
import { Attempts, type AttemptsProps } from './attempts.js';
import { otherAttributesOf, parametersOf, shownValue } from './attributes.js';
import { ConversationView } from './conversation.js';
import { conversationOf } from './messages.js';
import { type Captured, capturedIn, whyNoToolText, whyNoUsage } from './missing.js';
import { StatusHistory } from './status-history.js';
import { whyEnded } from './why.js';

interface StepProps extends Omit<AttemptsProps, 'captured'> {
  readonly detail: RunDetail;
}

/** The selected span: first why it ended as it did, then everything that is known of it. */
export function Step({ detail, span, opened, now, onOpen, onCompare }: StepProps) {
  const captured = capturedIn(detail);
  const isLost = detail.row.lostContact;
  const status: Shown = isLost && span.status === 'in_progress' ? 'lost_contact' : span.status;
  return (
    <section class="step" id="step" tabIndex={-1} aria-labelledby="step-name">
      <p class={`why ${status}`}>
        <Glyph of={status} /> {whyEnded(span, now, isLost)}
      </p>
      <header>
        <h2 id="step-name">
          <SpanName span={span} />
        </h2>
        <CopyMenu
          label="Copy span"
          items={[
            { name: 'as JSON', text: () => JSON.stringify(span, null, 2) },
            { name: 'URL', text: () => location.href },
          ]}
        />
      </header>
      {isModelCall(span) && (
        <Part title="attempts">
          <Attempts span={span} captured={captured} opened={opened} now={now} onOpen={onOpen} onCompare={onCompare} />
        </Part>
      )}
      {span.statusUpdates.length > 0 && (
        <Part title="status history">
          <StatusHistory span={span} />
        </Part>
      )}
      {isModelCall(span) && <ModelCall span={span} captured={captured} />}
      {isTool(span) && <ToolCall span={span} captured={captured} />}
      {span.otherEvents.length > 0 && (
        <Part title="events">
          <Events of={span.otherEvents} />
        </Part>
      )}
      <Part title="attributes">
        <Facts of={otherAttributesOf(span)} />
      </Part>
    </section>
  );
}

function Part({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <div class="part-of-step">
      <h3>{title}</h3>
      {children}
    </div>
  );
}

function ModelCall({ span, captured }: { span: SpanNode; captured: Captured }) {
  const usage = usageOf(span);
  const parameters = parametersOf(span);
  const { tools } = conversationOf(span);
  const prices = hello.value?.prices;
  const cost = prices && costOfStep(span, prices);
  const shown = (value: number | undefined) => value !== undefined && count(value);
  return (
    <>
      <Part title="messages">
        <ConversationView span={span} captured={captured} />
      </Part>
      {tools.length > 0 && (
        <Part title="tools">
          {tools.map(({ name, description, parameters }) => (
            <details class="fold" key={name}>
              <summary>
                {name} {description && <span class="note">{description}</span>}
              </summary>
              {parameters ? <LongText text={parameters} /> : <p class="note">without parameters</p>}
            </details>
          ))}
        </Part>
      )}
      <div class="columns">
        <Part title="parameters">
          {parameters.length > 0 ? <Facts of={parameters} /> : <p class="note">the request has none that are known</p>}
        </Part>
        <Part title="usage">
          {Object.keys(usage).length > 0 ? (
            <Facts
              of={[
                ['input', shown(usage.inputTokens)],
                ['of it read from a cache', shown(usage.cacheReadTokens)],
                ['of it written to a cache', shown(usage.cacheWriteTokens)],
                ['output', shown(usage.outputTokens)],
                ['of it reasoning', shown(usage.reasoningTokens)],
                [
                  'cost by your prices',
                  prices && (cost === undefined ? 'your list has no price for this model' : dollars(cost)),
                ],
              ]}
            />
          ) : (
            <p class="note">usage: {whyNoUsage(span)}</p>
          )}
        </Part>
      </div>
    </>
  );
}

function ToolCall({ span, captured }: { span: SpanNode; captured: Captured }) {
  const reason = whyNoToolText(captured);
  const text = (title: string, value: unknown) => (
    <Part title={title}>
      {value === undefined ? (
        <p class="note">
          {title}: {reason}
        </p>
      ) : (
        <LongText text={readable(shownValue(value))} label={title} />
      )}
    </Part>
  );
  return (
    <>
      {text('arguments', span.attributes[names.GEN_AI_TOOL_CALL_ARGUMENTS])}
      {text('result', span.attributes[names.GEN_AI_TOOL_CALL_RESULT])}
    </>
  );
}

function Events({ of }: { of: readonly SpanEvent[] }) {
  return (
    <ol class="events">
      {of.map(({ name, atMillis, attributes }) => (
        <li key={`${atMillis} ${name}`}>
          {name}
          <Facts
            of={Object.entries(attributes).map(([key, value]) => [
              key,
              <span class="wrapped">{shownValue(value)}</span>,
            ])}
          />
        </li>
      ))}
    </ol>
  );
}
