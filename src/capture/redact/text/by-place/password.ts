import { type Edit, REDACTED } from '../../edits.js';
import { isPath } from '../code.js';
import { EMAIL, isNoSecret } from '../harmless.js';

/** Adds an edit for what stands where a command, a call or a statement takes a password, unless that is plainly none. */
export function addPassword(start: number, value: string, edits: Edit[]): void {
  if (EMAIL.test(value) || isNoSecret(value) || isPath(value) || value.startsWith('$')) return;
  edits.push({ start, end: start + value.length, text: REDACTED });
}
