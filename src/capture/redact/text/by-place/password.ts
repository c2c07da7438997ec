import { type Edit, REDACTED } from '../../edits.js';
import { isExpression, isPath } from '../code.js';
import { EMAIL, isHarmlessValue, isNoValue } from '../harmless.js';

/** Adds an edit for what stands where a command, a call or a statement takes a password, unless that is plainly none. */
export function addPassword(start: number, value: string, edits: Edit[]): void {
  if (
    EMAIL.test(value) ||
    isHarmlessValue(value) ||
    isNoValue(value) ||
    isExpression(value) ||
    isPath(value) ||
    value.startsWith('$')
  )
    return;
  edits.push({ start, end: start + value.length, text: REDACTED });
}
