import { type NameKind, PLAIN, SECRET, SUSPECT } from '../names.js';

/** A place in a JSON schema: `properties: { password: { type: 'string', default: '…' } }` names a secret and has none. */
export type SchemaPlace = 'none' | 'properties' | 'secret';

/** The keywords of a JSON schema that never hold an example of a value. */
export const SCHEMA_WORDS = new Set(['$ref', 'description', 'format', 'items', 'pattern', 'title', 'type']);

/** `{ name: 'authorization', value: '…' }`: the keys whose value is the name of a secret, and those whose value is the secret. */
export const PAIR_KEYS = /* @__PURE__ */ new Map<string, 'name' | 'value'>([
  ...['field', 'header', 'key', 'name', 'Header', 'Key', 'Name'].map((key) => [key, 'name'] as const),
  ['value', 'value'],
  ['Value', 'value'],
]);

/** `headers: ['authorization', '…', 'accept', '…']` */
export const FLAT_PAIRS = /headers$/i;

/** Under these keys `token` is a piece of text, unless it looks random. */
export const TEXT_TOKENS = /logprobs|probabilities|^tokens$|^vocab/i;
export const SHORTEST_TEXT_TOKENS = 5;

const LONGEST_PATH = 200;

/** The keys that lead to an object, joined once for all events of a stream: a path is looked up for every delta. */
export class KeyPath {
  readonly name: string;
  readonly #longer = new Map<string, KeyPath>();

  constructor(name: string) {
    this.name = name;
  }

  /** The path of an object or array under a key; this path, if they are not told apart. */
  ofObject(key: string): KeyPath {
    return key === '' || this === NO_PATH || this.name.length >= LONGEST_PATH ? this : this.under(key);
  }

  /** The path of a value under a key. */
  under(key: string): KeyPath {
    const known = this.#longer.get(key);
    if (known) return known;
    const longer = new KeyPath(`${this.name}.${key}`);
    this.#longer.set(key, longer);
    return longer;
  }
}

/** The path where no stream is read. */
export const NO_PATH: KeyPath = /* @__PURE__ */ new KeyPath('');

/** An object or array that is open. */
export interface Frame {
  readonly isArray: boolean;
  /** The keys that lead here, where streams are read. */
  readonly path: KeyPath;
  readonly hasTextTokens: boolean;
  readonly schema: SchemaPlace;
  /** Where the value begins that is replaced as a whole, because its key says that it is a secret; -1 if none is. */
  readonly hiddenFrom: number;
  /** Whether names and values alternate in this array: it is an element of another array, or a list of headers. */
  readonly hasPairs: boolean;
  /** The key of the value that comes next, in an array the key of the array, and what it says. */
  key: string;
  kind: NameKind;
  /** The index of the next value, in an array. */
  index: number;
  /** What the last name in here says about `value`, or about the next element of a pair. */
  valueKind: NameKind;
  isNamed: boolean;
  /** Where `value` stands as long as it has no name, because the name may come after it. */
  unnamed: { start: number; end: number } | undefined;
}

/** The frame around the whole text. */
export function rootFrame(path: KeyPath): Frame {
  return {
    isArray: true,
    path,
    hasTextTokens: false,
    schema: 'none',
    hiddenFrom: -1,
    hasPairs: false,
    key: '',
    kind: PLAIN,
    index: 0,
    valueKind: PLAIN,
    isNamed: false,
    unnamed: undefined,
  };
}

/** The frame of an object or array that opens at `at` in `parent`. `isOutermost`: whether it is the value of the whole text. */
export function frameIn(parent: Frame, at: number, isArray: boolean, isOutermost: boolean): Frame {
  const { kind, key: last, schema, hiddenFrom } = parent;
  const key = parent.isArray ? '' : last;
  const isSchemaOfSecret = kind !== PLAIN && schema === 'properties' && !isArray;
  const isHidden =
    (kind === SECRET || (parent.valueKind > SUSPECT && PAIR_KEYS.get(key) === 'value')) && !isSchemaOfSecret;
  const frame: { -readonly [field in keyof Frame]: Frame[field] } = rootFrame(parent.path.ofObject(key));
  frame.isArray = isArray;
  frame.hasTextTokens = parent.hasTextTokens || (key.length >= SHORTEST_TEXT_TOKENS && TEXT_TOKENS.test(key));
  frame.schema = isSchemaOfSecret ? 'secret' : schemaPlace(schema, key, isArray);
  frame.hiddenFrom = hiddenFrom < 0 && isHidden ? at : hiddenFrom;
  if (isArray) {
    frame.hasPairs = parent.isArray ? !isOutermost : FLAT_PAIRS.test(key);
    frame.key = last;
    frame.kind = kind;
  }
  return frame;
}

/** The place in a JSON schema of what stands under a key. */
function schemaPlace(around: SchemaPlace, key: string, isArray: boolean): SchemaPlace {
  if (around === 'secret') return isArray && SCHEMA_WORDS.has(key) ? 'none' : 'secret';
  return key === 'properties' && !isArray ? 'properties' : 'none';
}
