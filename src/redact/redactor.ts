/** Additions to what is always redacted. */
export interface RedactOptions {
  /** Names of headers, query keys, JSON keys and form fields whose values are replaced; case and `-`/`_` do not matter. */
  names?: readonly string[];
  /** Patterns whose matches are replaced in every text. The global flag is not needed. */
  patterns?: readonly RegExp[];
  /**
   * Asked last, for every value that is about to be kept: returns what to keep.
   * If it throws or returns something else than a string, the value is replaced.
   */
  redact?: (value: string, name: string | undefined) => string;
}

/** A text that was kept, and how many bytes of it were not. */
export interface Bounded {
  text: string;
  truncatedBytes: number;
}

/** Removes secrets from whatever is about to be recorded. No method throws; what cannot be judged is not kept. */
export interface Redactor {
  /** The value of a header. */
  header(name: string, value: string): string;
  /** A URL, whole or relative; user info, query values and path segments that look like keys are replaced. */
  url(url: string): string;
  /** Free text: error messages, stack traces. */
  text(text: string): string;
  /** A JSON value (a copy): by name and by shape, at any depth, inside strings that are JSON again. */
  json(value: unknown): unknown;
  /** The JSON text of a redacted value in at most `maxBytes`, valid JSON after truncation. */
  jsonText(value: unknown, maxBytes: number): Bounded;
  /** An attribute of the application's own. */
  attribute(name: string, value: string): string;
  /**
   * A body by its content type (JSON, SSE, NDJSON, form, multipart, text), redacted, then cut to `maxBytes` UTF-8 bytes with JSON
   * kept valid and text well formed. `text` is its beginning where it is longer than what was kept of it; `totalBytes`
   * is the size of all of it. `undefined` if it can't be parsed as what it says it is: it is not kept.
   */
  body(text: string, contentType: string | undefined, maxBytes: number, totalBytes: number): Bounded | undefined;
}
