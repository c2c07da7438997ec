import type { Edit } from '../../edits.js';
import { addPassword } from './password.js';

/** `CREATE USER a IDENTIFIED BY 'x'` */
const IDENTIFIED =
  /IDENTIFIED (?:WITH [\w']{1,40} )?(?:BY|AS) (?:PASSWORD )?(?:["']([^"'\n]{3,200})|([^\s"';]{3,200}))/y;

/** Adds edits for passwords in statements of databases. */
export function findInStatements(text: string, edits: Edit[]): void {
  for (let at = text.indexOf('IDENTIFIED '); at !== -1; at = text.indexOf('IDENTIFIED ', at + 1)) {
    IDENTIFIED.lastIndex = at;
    const match = IDENTIFIED.exec(text);
    const value = match?.[1] ?? match?.[2];
    if (match && value) addPassword(at + match[0].length - value.length, value, edits);
  }
}
