import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { SpanNode } from '../../model.js';
import { plural } from '../parts/format.js';
import { LongText } from '../parts/long-text.js';
import { conversationOf, type ShownMessage, type ShownPart } from './messages.js';
import { type Captured, whyNoMessages } from './missing.js';
import { cutBy } from './why.js';

/** How many folded messages open at once: a page of thousands would be slow. */
const OPENED_AT_ONCE = 50;

/** The messages as a conversation: what the model was told last, and what it answered. Earlier turns are folded. */
export function ConversationView({ span, captured }: { span: SpanNode; captured: Captured }) {
  const { system, input, output } = conversationOf(span);
  const latest = input === undefined ? [] : input.slice(latestTurn(input));
  const earlier = input?.slice(0, input.length - latest.length) ?? [];
  return (
    <div class="conversation">
      {system.length > 0 && (
        <Fold summary="system instructions">
          <Message message={{ role: 'system', parts: system }} />
        </Fold>
      )}
      {earlier.length > 0 && (
        <Fold summary={plural(earlier.length, 'earlier message')}>
          <Messages of={earlier} />
        </Fold>
      )}
      {input === undefined ? (
        <p class="note">input messages: {whyNoMessages(span, captured, 'input')}</p>
      ) : (
        <Messages of={latest} />
      )}
      {output === undefined ? (
        <p class="note">output messages: {whyNoMessages(span, captured, 'output')}</p>
      ) : (
        output.map((message, index) => <Message key={index} message={message} isOutput />)
      )}
    </div>
  );
}

/** Where the last turn begins: after the last message of the model. */
function latestTurn(input: readonly ShownMessage[]): number {
  const last = input.findLastIndex(({ role }) => role === 'assistant' || role === 'model');
  return last === input.length - 1 ? Math.max(0, last) : last + 1;
}

/** Its content is made only when it is opened. */
function Fold({ summary, children }: { summary: string; children: ComponentChildren }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="fold" open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{summary}</summary>
      {isOpen && children}
    </details>
  );
}

function Messages({ of }: { of: readonly ShownMessage[] }) {
  const [shown, setShown] = useState(OPENED_AT_ONCE);
  // The latest are nearest to what is read.
  const hidden = Math.max(0, of.length - shown);
  return (
    <>
      {hidden > 0 && (
        <button type="button" onClick={() => setShown(shown + OPENED_AT_ONCE)}>
          Show {Math.min(hidden, OPENED_AT_ONCE)} of {hidden} before
        </button>
      )}
      {of.slice(hidden).map((message, index) => (
        <Message key={hidden + index} message={message} />
      ))}
    </>
  );
}

function Message({ message, isOutput = false }: { message: ShownMessage; isOutput?: boolean }) {
  const { role, name, parts, finishReason } = message;
  const cut = cutBy(finishReason);
  return (
    <article class={`message ${isOutput ? 'output' : ''}`} aria-label={`${role}${isOutput ? ', the answer' : ''}`}>
      <h4>
        {role}
        {name && ` ${name}`}
      </h4>
      <div>
        {parts.length === 0 && <p class="note">empty</p>}
        {parts.map((part, index) => (
          <Part key={index} part={part} />
        ))}
        {finishReason && (
          <p class={cut ? 'finish cut' : 'finish'}>
            {cut ? `✂\ufe0e ${cut} ` : 'finish reason '}
            {cut ? `(${finishReason})` : finishReason}
          </p>
        )}
      </div>
    </article>
  );
}

function Part({ part: { label, text } }: { part: ShownPart }) {
  return (
    <div class="part-of-message">
      {label && <span class="part-label">{label}</span>}
      <LongText text={text} />
    </div>
  );
}
