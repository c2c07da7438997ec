/** Passwords between a user and a host, where no scheme makes it a URL: `app:x@10.0.0.5`, `scott/x@orcl`, a line of `.pgpass`. */
import { type Edit, REDACTED } from '../../edits.js';
import { isTemplate } from '../harmless.js';
import { isSecretLike } from '../words.js';

const LONGEST_BEFORE = 160;
const USER_INFO = /(?:^|[\s"'`(=<,])(\/\/)?([\w.$-]{1,60}):([^\s"'`:@<>(){}]{4,80})$/;
const ORACLE =
  /(?:sqlplus(?: -\w+)* |jdbc:oracle:(?:thin|oci):|sqlldr )["']?[\w.$-]{1,60}\/["']?([^\s"'`@]{3,80})["']?$/;
/** `mailto:bob99@example.com` has no password, and no more has `npm:name@1.2.3`. */
const NO_USER = /^(?:mailto|sips?|xmpp|acct|npm|git|e?-?mail|from|to|cc|bcc|contact|author|user|login|image|docker)$/i;
const MACHINE = /@(?:(?:tcp|unix)\(|(?:\d{1,3}\.){3}\d{1,3}\b|localhost\b)/y;
const DOMAIN = /@[A-Za-z][\w-]{0,60}(?:\.[\w-]{1,60}){1,6}/y;
/** Characters that the name in an address of e-mail has not. */
const NOT_IN_EMAIL = /[!#$%^&*?~]/;

/** Adds an edit for the password that ends before the `@` at `at`, if there is one. */
export function findBeforeAt(text: string, at: number, edits: Edit[]): void {
  const before = text.slice(Math.max(0, at - LONGEST_BEFORE), at);
  const oracle = ORACLE.exec(before)?.[1];
  if (oracle) {
    if (!isTemplate(oracle)) add(at - before.length + before.lastIndexOf(oracle), oracle, edits);
    return;
  }
  const [, slashes, user, password = ''] = USER_INFO.exec(before) ?? [];
  if (user === undefined || NO_USER.test(user) || !isSecretLike(password) || isTemplate(password)) return;
  MACHINE.lastIndex = DOMAIN.lastIndex = at;
  if (MACHINE.test(text) || ((slashes || NOT_IN_EMAIL.test(password)) && DOMAIN.test(text)))
    add(at - password.length, password, edits);
}

function add(start: number, password: string, edits: Edit[]): void {
  edits.push({ start, end: start + password.length, text: REDACTED });
}

const HOST_BEFORE = /(?:^|\n)[ \t]*(?:[\w.*-]{1,80}|\[[\da-fA-F:]{2,40}\])$/;
const PGPASS_REST = /:(?:\d{2,5}|\*):[\w*.-]{1,64}:[\w*.@-]{1,64}:([^\s:]{3,200})[ \t]*(?=\r?\n|$)/y;

/** Adds an edit for the password in a line of `.pgpass` whose host ends before `colon`: `host:port:database:user:x`. */
export function findInPgpass(text: string, colon: number, edits: Edit[]): void {
  PGPASS_REST.lastIndex = colon;
  const match = PGPASS_REST.exec(text);
  const password = match?.[1] ?? '';
  if (!match || !isSecretLike(password) || isTemplate(password)) return;
  if (HOST_BEFORE.test(text.slice(Math.max(0, colon - LONGEST_BEFORE), colon))) {
    add(colon + match[0].lastIndexOf(password), password, edits);
  }
}
