import { type Edit, REDACTED } from '../edits.js';

const RUN = /[A-Za-z0-9+/_=-]+/y;
const SHORTEST = 20;
/** More of a run is not decoded. */
const LONGEST = 4096;

/** Adds an edit for each run of base64, beginning at one of `starts`, in whose decoded text `holdsSecret` finds something. */
export function findEncodedJson(
  text: string,
  starts: readonly number[],
  holdsSecret: (decoded: string) => boolean,
  edits: Edit[],
): void {
  let end = 0;
  for (const start of starts) {
    if (start < end) continue;
    RUN.lastIndex = start;
    const run = RUN.exec(text)?.[0] ?? '';
    if (run.length < SHORTEST) continue;
    end = start + run.length;
    const decoded = decode(run);
    if (decoded !== undefined && holdsSecret(decoded)) edits.push({ start, end, text: REDACTED });
  }
}

/** The text of a run, in which every byte is one character; `undefined` if it is no base64. */
function decode(run: string): string | undefined {
  const beginning = run.slice(0, LONGEST).replaceAll('-', '+').replaceAll('_', '/').replace(/=.*$/, '');
  try {
    return atob(beginning.length % 4 === 1 ? beginning.slice(0, -1) : beginning);
  } catch {
    return undefined;
  }
}
