import { applyEdits, type Edit, inOrder, REDACTED } from '../edits.js';
import { SUSPECT } from '../names.js';
import type { Policy } from '../policy.js';
import { findSecrets, findSecretsInCut } from '../text/find-secrets.js';

const ELEMENT = /<([A-Za-z_][\w:.-]{0,100})(?![\w:.-])[^<>]*>(\s*<!\[CDATA\[[\s\S]*?(?:\]\]>|$)|[^<]+)/g;

/** Redacts XML and HTML as text, and the content of elements with the name of a secret: `<SecretAccessKey>…`. */
export function redactMarkup(text: string, policy: Policy, isCut: boolean): string {
  const edits: Edit[] = [];
  for (const { 0: match, 1: name = '', 2: value = '', index } of text.matchAll(ELEMENT)) {
    const end = index + match.length;
    if (policy.kind(name) > SUSPECT) edits.push({ start: end - value.length, end, text: REDACTED });
  }
  const found = isCut ? findSecretsInCut(text, policy) : findSecrets(text, policy);
  const redacted = applyEdits(text, inOrder([...edits, ...found]));
  return policy.ask ? policy.ask(redacted, undefined) : redacted;
}
