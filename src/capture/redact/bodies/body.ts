import type { Policy } from '../policy.js';
import type { RedactedBody } from '../truncation.js';
import { DeltaTexts } from './delta-texts.js';
import { redactEvents, redactLines } from './event-stream.js';
import { redactForm } from './form.js';
import { redactCutString, redactString, scanJson } from './json.js';
import { redactMarkup } from './markup.js';
import { redactMultipart } from './multipart.js';

const JSON_TYPE = /^(?:application|text)\/(?:[\w.+-]*\+)?json$/;
/** Lines that are records of their own, as in the files of batches. */
const RECORDS_TYPE = /^(?:application|text)\/(?:x-)?(?:jsonl|jsonlines|json-lines)$/;
/** Lines that are events of a stream. */
const STREAMED_LINES_TYPE = /^application\/(?:(?:x-)?ndjson|stream\+json)$/;
const MARKUP_TYPE = /^(?:text\/(?:html|xml)|application\/(?:[\w.+-]*\+)?xml)$/;
const TEXT_TYPE = /^(?:text\/.+|application\/(?:javascript|graphql|yaml|x-yaml|toml|sql))$/;
const EVENTS_BEGINNING = /^(?:data|event|id|retry|):/;
const BINARY = /\0/;

/** Redacts a body by its content type; `undefined` if it can't be parsed as that type, or the type is not a text. */
export function redactBody(
  text: string,
  contentType: string | undefined,
  policy: Policy,
  isCut: boolean,
): RedactedBody | undefined {
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (RECORDS_TYPE.test(type)) return redactLines(text, policy, isCut, undefined);
  if (STREAMED_LINES_TYPE.test(type)) return redactLines(text, policy, isCut, new DeltaTexts());
  if (JSON_TYPE.test(type)) return redactJsonBody(text, policy, isCut);
  if (type.startsWith('multipart/')) return redactMultipart(text, contentType ?? '', policy, isCut, redactBody);

  const isForm = type === 'application/x-www-form-urlencoded';
  const isStream = type === 'text/event-stream';
  if (type !== '' && !isForm && !isStream && !MARKUP_TYPE.test(type) && !TEXT_TYPE.test(type)) return undefined;
  if (BINARY.test(text)) return undefined;
  // Clients and gateways often send JSON with the type of a text, a form or an event stream.
  const json = /^\s*[{[]/.test(text) ? redactJsonBody(text, policy, isCut) : undefined;
  if (json) return json;
  if (isForm) return redactForm(text, policy, isCut);
  if (isStream || (type === '' && EVENTS_BEGINNING.test(text))) return redactEvents(text, policy, isCut);
  const body = MARKUP_TYPE.test(type)
    ? redactMarkup(text, policy, isCut)
    : isCut
      ? redactCutString(text, undefined, policy)
      : redactString(text, undefined, policy);
  return { pieces: [{ head: '', body, tail: '', jsonDepth: undefined }], unread: 0 };
}

/** Gemini streams a list of answers if the request doesn't ask for events; their elements are deltas. */
const STREAMED_LIST = /^\s*\[\s*\{\s*"candidates"/;

function redactJsonBody(text: string, policy: Policy, isCut: boolean): RedactedBody | undefined {
  const deltas = STREAMED_LIST.test(text) ? new DeltaTexts() : undefined;
  const scan = scanJson(text, policy, deltas);
  deltas?.redact(policy, isCut);
  const json = scan.render(isCut);
  if (!json) return undefined;
  return {
    pieces: [{ head: '', body: json.text, tail: '', jsonDepth: json.depth }],
    unread: text.length - json.read,
  };
}
