import { report } from '../../util/diagnostics.js';
import { REDACTED } from './edits.js';
import { Recent } from './json-string-memo.js';
import { condenseName, isSecretParameter, mayBeSecretName, type NameKind, nameKind, PLAIN, SECRET } from './names.js';
import type { RedactOptions } from './redactor.js';

/** A name and what it says about its value. */
export interface JudgedName {
  readonly text: string;
  readonly kind: NameKind;
}

/** What one redactor goes by: the built-in rules and the application's additions. */
export interface Policy {
  /** What the name of a header, a JSON key, a field or an attribute says about its value. */
  kind(name: string): NameKind;
  /** The same for a word in a text. Those are many and seldom repeat, so they are not remembered. */
  kindInText(name: string): NameKind;
  /** What `kind` was asked for lately. */
  readonly names: Recent<JudgedName>;
  /** Whether the value of a query key or a form field is replaced, whatever it looks like. */
  isSecretParameter(name: string): boolean;
  /** The application's patterns, all of them global and none sticky. */
  readonly patterns: readonly RegExp[];
  /** The application's last word on a value that is about to be kept. */
  readonly ask: ((value: string, name: string | undefined) => string) | undefined;
}

/** The policy that follows from options that have been checked. */
export function createPolicy({ names: added = [], patterns = [], redact }: RedactOptions): Policy {
  const listed = new Set(added.map(condenseName));
  const names = new Recent<JudgedName>();

  const kind = (name: string): NameKind => {
    const known = names.get(name, 0, name.length);
    if (known) return known.kind;
    const judged = listed.size > 0 && listed.has(condenseName(name)) ? SECRET : nameKind(name);
    names.add({ text: ownCopy(name), kind: judged });
    return judged;
  };

  return {
    kind,
    names,
    kindInText: (name) => (listed.size === 0 && !mayBeSecretName(name) ? PLAIN : kind(name)),
    isSecretParameter: (name) => kind(name) !== PLAIN || isSecretParameter(name),
    patterns: patterns.map((pattern) => new RegExp(pattern.source, `${pattern.flags.replace(/[gy]/g, '')}g`)),
    ask: redact && ((value, name) => askSafely(redact, value, name)),
  };
}

function askSafely(redact: NonNullable<RedactOptions['redact']>, value: string, name: string | undefined): string {
  try {
    const answer: unknown = redact(value, name);
    if (typeof answer === 'string') return answer;
    report('the redact function returned something else than a string; the value was replaced');
  } catch {
    // Its error may quote the value, so it is not passed on.
    report('the redact function threw; the value was replaced');
  }
  return REDACTED;
}

/** A name cut out of a body would keep the whole body in memory: engines share the text of substrings. */
function ownCopy(name: string): string {
  return JSON.parse(JSON.stringify(name));
}
