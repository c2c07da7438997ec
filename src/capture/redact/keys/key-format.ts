/** The characters that a key has after its prefix, by name. */
export const ALPHABETS = {
  hex: '0-9a-f',
  HEX: '0-9A-F',
  letters: 'A-Za-z',
  lower: '0-9a-z',
  UPPER: '0-9A-Z',
  alnum: '0-9A-Za-z',
  'hex-': '0-9a-f-',
  'lower-': '0-9a-z-',
  'UPPER-': '0-9A-Z-',
  'alnum-': '0-9A-Za-z-',
  alnum_: '0-9A-Za-z_',
  'lower=': '0-9a-z_=-',
  url: '0-9A-Za-z_-',
  'url.': '0-9A-Za-z_.=-',
  'url~': '0-9A-Za-z_.~-',
  base64: '0-9A-Za-z+/=',
  'base64.': '0-9A-Za-z+/=_.-',
  'alnum%': '0-9A-Za-z%',
} as const;

/** The name of an alphabet. */
export type Alphabet = keyof typeof ALPHABETS;

/** How many characters come after the prefix: exactly, or at least and at most. */
export type KeyLength = number | readonly [least: number, most: number];

/** What a row may say beyond the columns. */
export interface FormatDetails {
  /**
   * The last six characters are the CRC-32 of the ones before, in base 62. The matcher doesn't compare them: a key with a typing error
   * differs from the real one in one character, so it is redacted too.
   */
  readonly checksum?: 'crc32';
  /** The prefix is short or a word, so the rest must have the exact length, end there, and look random. */
  readonly isWeak?: true;
  /** What must come directly before the prefix; it is redacted too. */
  readonly before?: RegExp;
  /** The prefix is a mark in the middle of the key, and `before` describes the part before it. */
  readonly isInside?: true;
  /** A sticky expression for the whole key, where the columns can't describe it. */
  readonly shape?: RegExp;
}

/** A row of the table: who issues the key, its prefixes (separated by blanks), what comes after them, where that is documented, since when. */
export type FormatRow = readonly [
  issuer: string,
  prefixes: string,
  alphabet: Alphabet,
  length: KeyLength,
  source: string,
  year: number,
  details?: FormatDetails,
];
