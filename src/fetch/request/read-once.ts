/**
 * The arguments of a call may be able to tell how often they are read: a getter in `init`, an object whose `toString` gives the URL.
 * `fetch` reads each of them once. So each is read once, and `fetch` gets what was read.
 */

type Arguments = Parameters<typeof globalThis.fetch>;

/** What the recording fetch reads of `init`. */
const MEMBERS = ['method', 'headers', 'body', 'signal'] as const;

const hrefGetter = Object.getOwnPropertyDescriptor(URL.prototype, 'href')?.get;

/** The URL's text, read without a call of its `toString`; `undefined` if it is no `URL`. */
export function hrefOf(input: unknown): string | undefined {
  try {
    return input instanceof URL ? hrefGetter?.call(input) : undefined;
  } catch {
    return undefined;
  }
}

/** The same arguments, if they can't tell that they are read; else arguments that were read, once, and say the same. */
export function readOnce(args: Arguments): Arguments {
  const [input, init, ...rest] = args;
  if (!isTextByCall(input) && !hasGetters(init)) return args;
  const url = isTextByCall(input) ? textOf(input) : input;
  return (args.length > 1 ? [url, hasGetters(init) ? remembering(init) : init, ...rest] : [url]) as Arguments;
}

/** The `Request` that `fetch` is called with. It may be of another class than the platform's, for another implementation of `fetch`. */
export function requestOf(input: RequestInfo | URL): Request | undefined {
  return typeof input === 'object' && 'url' in input ? input : undefined;
}

/** Whether `fetch` calls a function of the object to get the URL. */
function isTextByCall(input: unknown): input is object {
  const isObject = (typeof input === 'object' && input !== null) || typeof input === 'function';
  return isObject && hrefOf(input) === undefined && !requestOf(input as RequestInfo);
}

/** What `fetch` would make of the object. If that throws, an object that throws the same. */
function textOf(input: object): string | object {
  try {
    return String(input);
  } catch (error) {
    return {
      toString() {
        throw error;
      },
    };
  }
}

/** The getters of a `Request` are the platform's. */
function hasGetters(init: unknown): init is object {
  if (typeof init !== 'object' || init === null || requestOf(init as Request)) return false;
  return MEMBERS.some((name) => isGetter(init, name));
}

function isGetter(object: object, name: string): boolean {
  for (let at: object | null = object; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    const property = Object.getOwnPropertyDescriptor(at, name);
    if (property) return property.get !== undefined;
  }
  return false;
}

/** Gives what each getter gave the first time. */
function remembering(init: object): object {
  const given = new Map<PropertyKey, unknown>();
  return new Proxy(init, {
    get(target, name) {
      if (!given.has(name)) given.set(name, Reflect.get(target, name));
      return given.get(name);
    },
  });
}

/** Whether headers can be read again and again, with no function called: not a generator, no getter, no object as a value. */
export function isPlainHeaders(headers: HeadersInit): boolean {
  if (headers instanceof Headers) return true;
  if (Array.isArray(headers)) return headers.every((pair) => Array.isArray(pair) && pair.every(isPrimitive));
  if (headers instanceof Map) return [...headers].every((pair) => pair.every(isPrimitive));
  if (Symbol.iterator in headers) return false;
  return Object.entries(Object.getOwnPropertyDescriptors(headers)).every(
    ([, property]) => property.get === undefined && isPrimitive(property.value),
  );
}

function isPrimitive(value: unknown): boolean {
  return value === null || (typeof value !== 'object' && typeof value !== 'function');
}
