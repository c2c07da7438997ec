import type { Edit } from '../../edits.js';
import { addPassword } from './password.js';

/** `CREATE USER a IDENTIFIED BY 'x'`, from `BY` on. */
const REST = /(?:WITH [\w']{1,40} )?(?:BY|AS) (?:PASSWORD )?(?:["']([^"'\n]{3,200})|([^\s"';]{3,200}))/y;

/** Adds an edit for the password in a statement of a database whose `IDENTIFIED ` ends at `at`. */
export function findInStatement(text: string, at: number, edits: Edit[]): void {
  REST.lastIndex = at;
  const match = REST.exec(text);
  const value = match?.[1] ?? match?.[2];
  if (match && value) addPassword(at + match[0].length - value.length, value, edits);
}
