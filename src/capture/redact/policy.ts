import { report } from '../../util/diagnostics.js';
import { REDACTED } from './edits.js';
import { CleanStrings, ownCopy, Recent } from './json-string-memo.js';
import { condenseName, isSecretParameter, mayBeSecretName, type NameKind, nameKind, PLAIN, SECRET } from './names.js';

/**
 * Additions to the built-in rules. The built-in ones replace the values of names such as `authorization`, `api_key` and `password`, known key
 * formats, JSON Web Tokens, PEM blocks, and credentials in a URL or a connection string.
 *
 * Without an addition, a secret with neither such a name nor such a format stays: "ask hunter2".
 *
 * @example createRecorder({ redact: { names: ['patient_id'], patterns: [/\b\d{3}-\d{2}-\d{4}\b/] } });
 */
export interface RedactOptions {
  /** Names of headers, query keys, JSON keys and form fields whose values are replaced; case and `-`/`_` do not matter. */
  names?: readonly string[] | undefined;
  /** Patterns whose matches are replaced in every text. The global flag is not needed. */
  patterns?: readonly RegExp[] | undefined;
  /**
   * Called last, for every text that is about to be recorded: the value of a header, an attribute, a form field, each string in JSON (all
   * of them with their name), a URL and any other text. Returns the text to record.
   * If it throws or returns anything but a string, the value becomes `REDACTED`.
   */
  redact?: ((value: string, name: string | undefined) => string) | undefined;
}

/** A name and what it says about its value. */
export interface JudgedName {
  readonly text: string;
  readonly kind: NameKind;
}

/** The rules of one redactor: the built-in ones and the application's additions. */
export interface Policy {
  /** What the name of a header, a JSON key, a field or an attribute says about its value. */
  kind(name: string): NameKind;
  /** The same for a word in a text. Such words are many and seldom repeat, so most are not memoized. */
  kindInText(name: string): NameKind;
  /** Whether a name in a text may be more than `PLAIN`; one expression decides. */
  mayHoldName(text: string): boolean;
  /** The names that `kind` was called with lately. */
  readonly names: Recent<JudgedName>;
  /** The strings of JSON that had no secret lately. */
  readonly clean: CleanStrings;
  /** Whether the value of a query key or a form field is replaced, without a look at the value. */
  isSecretParameter(name: string): boolean;
  /** The application's patterns, all of them global and none sticky. */
  readonly patterns: readonly RegExp[];
  /** The application's own function, called last for each value. */
  readonly ask: ((value: string, name: string | undefined) => string) | undefined;
}

/** Makes a policy from validated options. */
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
    clean: new CleanStrings(),
    kindInText: (name) => (listed.size === 0 && !mayBeSecretName(name) ? PLAIN : kind(name)),
    mayHoldName: (text) => listed.size > 0 || mayBeSecretName(text),
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
    // The error may quote the value, so it is not reported.
    report('the redact function threw; the value was replaced');
  }
  return REDACTED;
}
