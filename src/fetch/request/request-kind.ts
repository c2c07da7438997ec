/** Decides what a request is: the one rule for what becomes a step, what is counted, and what is left alone. */
import { deferred } from '../../capture/deferred.js';
import type { CaptureSettings } from '../../capture/levels.js';
import {
  type ModelCall,
  mayBeModelCall,
  readModelCall,
  type UnreadKind,
  unreadKindOf,
} from '../../providers/detect.js';
import { providerOf } from '../../providers/provider-names.js';
import type { OutgoingRequest, ReadBody } from '../../spans/attempts/http-exchange.js';

/** A model call in a format that is read, or what else the request is. */
export type RequestKind = ModelCall | UnreadKind;

/** The use of the fetch that sees a request. */
interface FetchUse {
  /** There if the application uses the fetch for everything: the host of a call has to be known then. */
  readonly outside?: object | undefined;
  readonly everyPost?: boolean;
}

/** What method and URL tell of a request: `unread` may become any kind but a model call in a format that is read. */
export function kindByUrl(
  { method, url }: Pick<OutgoingRequest, 'method' | 'url'>,
  { outside }: FetchUse,
): 'model call' | 'unread' | 'other' {
  if (mayBeModelCall(method, url)) return 'model call';
  return method === 'POST' && (!outside || providerOf(url) !== undefined) ? 'unread' : 'other';
}

/** The kind of a request. Without `capturing`, its content is not prepared to be read. */
export function kindOf(
  outgoing: OutgoingRequest,
  { outside, everyPost = false }: FetchUse,
  capturing?: CaptureSettings,
): RequestKind {
  const call = callOf(outgoing, capturing);
  if (call) return call;
  const { method, url, body, formFields, headers } = outgoing;
  const request = { method, url, body, formFields, contentType: headers['content-type'] };
  return unreadKindOf(request, { byBody: !outside, every: everyPost });
}

/**
 * The content is read later, while the application waits for the answer. A request without a body asks nothing of a model:
 * `POST /v1/conversations` of OpenAI.
 */
function callOf(
  { method, url, body, formFields, opaqueBody, headers }: OutgoingRequest,
  capturing: CaptureSettings | undefined,
): ModelCall | undefined {
  if (body === undefined && !opaqueBody) return undefined;
  const content = capturing?.messages ? 'later' : false;
  const read = (text: ReadBody | undefined) =>
    readModelCall({ method, url, body: text, headers }, { content, contentLength: capturing?.limits.contentBytes });
  // Of a form the path is enough.
  const call = read(body ?? formFields) ?? (formFields === undefined ? undefined : read(undefined));
  if (!call || (body !== undefined && !call.readContent)) return call;
  const { readContent, ...known } = call;
  return {
    ...known,
    // A form is longer than its fields.
    ...(body === undefined && { bodyBytes: undefined }),
    ...(readContent && { fullRequest: deferred(readContent.length, readContent.read, undefined) }),
  };
}
