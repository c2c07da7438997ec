/**
 * Records the model calls that an application sends by `node:http` and `node:https`: axios, got, node-fetch. Node announces each request, its
 * answer and its failure on diagnostics channels (https://nodejs.org/api/diagnostics_channel.html#http). Only the first comes in the context of
 * the caller. The body of the request is not announced.
 */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { providerOf } from '../providers/provider-names.js';
import { isAbort } from '../spans/outcome/stops/abort-errors.js';
import { watchReadable } from '../spans/streams/node-stream.js';
import { define } from '../spans/streams/watch.js';
import { onChannel } from '../util/platform.js';
import { type InFlightAttempt, UNRECORDED } from './in-flight-attempt.js';
import { isEncoded, type Received } from './received.js';
import { beginExchange } from './recording-fetch.js';
import type { Outside } from './request/place.js';

/** What is published. */
interface Announcement {
  readonly request: ClientRequest;
  /** With an answer. Nothing has read its body yet. */
  readonly response: IncomingMessage;
  /** With a failure. */
  readonly error: unknown;
}

/** Records them from now on. `outside` takes those that are in no run. */
export function recordNodeHttp(outside: Outside): void {
  const attempts = new WeakMap<ClientRequest, InFlightAttempt>();
  const on = (name: string, listener: (announced: Announcement) => void) => onChannel(name, UNRECORDED, listener);
  on('http.client.request.start', ({ request }) => {
    const attempt = begin(request, outside);
    if (attempt) attempts.set(request, attempt);
  });
  on('http.client.response.finish', ({ request, response }) => attempts.get(request)?.received(response, readAnswer));
  on('http.client.request.error', ({ request, error }) => attempts.get(request)?.unanswered(error));
}

/** An application uses `node:http` for everything, so only a known provider's host is looked at. */
function begin(request: ClientRequest, outside: Outside): InFlightAttempt | undefined {
  const { method } = request;
  if (method !== 'POST') return undefined;
  // The path is a whole URL where the request goes to a proxy.
  const url = new URL(request.path, `${request.protocol}//${request.getHeader('host') ?? request.host}`);
  if (providerOf(url) === undefined) return undefined;
  const headers = textsOf(request.getHeaders());
  const attempt = beginExchange([url, { method, headers, body: UNSEEN }], outside);
  if (attempt) noticeStop(request, attempt);
  return attempt;
}

/** Stands for the body of a request: there is one, and it can't be read. */
const UNSEEN = {} as BodyInit;

/** A request that its caller destroys before the answer fails like one whose connection is lost. */
function noticeStop(request: ClientRequest, attempt: InFlightAttempt): void {
  const { destroy } = request;
  define(request, 'destroy', (error?: Error) => {
    if (!error || isAbort(error)) attempt.stopped();
    return destroy.call(request, error);
  });
}

/** The headers with their values as texts: `node:http` also has numbers and lists. */
function textsOf(headers: NodeJS.Dict<number | string | readonly string[]>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

function readAnswer(response: IncomingMessage): Received<IncomingMessage> {
  const headers = textsOf(response.headers);
  return {
    statusCode: response.statusCode ?? 0,
    headers,
    hasBody: true,
    isEncoded: isEncoded(headers),
    watchBody: (watch) => {
      watchReadable(response, watch);
      return response;
    },
  };
}
