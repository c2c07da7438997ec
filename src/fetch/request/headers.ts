import { isMetadataHeader } from '../../capture/redact/headers.js';
import { ASKED_IN_HEADERS } from '../../spans/attempts/resends.js';

/** Headers that are read and never recorded at `metadata`: a client's count of its retries, its timeout, and the model that a gateway is asked for. */
const READ_ONLY: readonly string[] = ['amz-sdk-request', 'x-server-timeout', ...ASKED_IN_HEADERS];

/** Headers by lower-case name: all of them, or those that are recorded or read where content is not captured. */
export function headersOf(given: Headers, all: boolean): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const pair of given) {
    // Taking the pair apart, `[name, value]`, takes longer than all else in here.
    const name = pair[0];
    if (all || isMetadataHeader(name) || READ_ONLY.includes(name)) headers[name] = pair[1];
  }
  return headers;
}
