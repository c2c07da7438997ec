import { classNameOf, isTimeout, tryRead } from '../errors.js';

/** The reasons that attempts were aborted with: an object is a stop wherever it is thrown. */
const abortReasons = new WeakSet<object>();

/** Remembers the reason that an attempt was aborted with. */
export function noteAbortReason(reason: unknown): void {
  if (typeof reason === 'object' && reason !== null) abortReasons.add(reason);
}

/** Whether `thrown` is an abort error by its class, or the reason that an attempt was aborted with. Never throws. */
export function isAbort(thrown: unknown): boolean {
  if (typeof thrown !== 'object' || thrown === null || isTimeout(thrown)) return false;
  return abortReasons.has(thrown) || (tryRead(() => saysAborted(thrown)) ?? false);
}

/**
 * Of the clients made by Fern, which throw an error of their general class (`cohere-ai` 8: core/fetcher/Fetcher.js), and of `openai`'s
 * `APIUserAbortError` (core/error.js), whose `name` is just `Error` and whose class may be minified.
 */
const ABORT_MESSAGES = ['The user aborted a request', 'Request was aborted.'];

/** `AbortError`, `APIUserAbortError`; `CanceledError` (axios), `CancelError` (got). */
function saysAborted(error: object): boolean {
  if (/Abort|Cancel(?:l?ed|lation)?(?:Error|Exception)$/.test(classNameOf(error) ?? '')) return true;
  return ABORT_MESSAGES.includes((error as Partial<Error>).message ?? '');
}
