/** Makes a response anew around another body. All else about the response stays the same. */

/** The class of a response, if that is a platform's class; `undefined` if the class or the response has methods of its own. */
export function platformClassOf(response: Response): typeof Response | undefined {
  const ResponseClass = Object.getPrototypeOf(response).constructor as typeof Response;
  if (!isPlatformClass(ResponseClass)) return undefined;
  for (const name of Object.getOwnPropertyNames(response)) {
    const property = Object.getOwnPropertyDescriptor(response, name) as PropertyDescriptor;
    // Such a property may read the body of the response, or another body.
    if (property.get || typeof property.value === 'function') return undefined;
  }
  return ResponseClass;
}

/** The same response with another body. `ResponseClass` comes from `platformClassOf`. */
export function rebuild(
  original: Response,
  body: ReadableStream,
  ResponseClass: typeof Response,
): Response | undefined {
  const { status, statusText, headers, url, redirected, type } = original;
  const rebuilt = new ResponseClass(body, { status, statusText, headers });
  if (ResponseClass !== globalThis.Response && rebuilt.body !== body) return undefined;
  for (const key of Reflect.ownKeys(original)) {
    if (Object.hasOwn(rebuilt, key)) continue;
    Object.defineProperty(rebuilt, key, Object.getOwnPropertyDescriptor(original, key) as PropertyDescriptor);
  }
  return dress(rebuilt, { url, redirected, type, headers });
}

/** A new object of a mock's class, or of a class derived from the platform's, may lack private state. */
function isPlatformClass(ResponseClass: typeof Response): boolean {
  if (ResponseClass === globalThis.Response) return true;
  return (
    Object.getPrototypeOf(ResponseClass) === Function.prototype &&
    (ResponseClass.prototype as { [Symbol.toStringTag]?: string })[Symbol.toStringTag] === 'Response'
  );
}

/** The properties that the constructor of Response can't set. */
type Traits = Pick<Response, 'url' | 'redirected' | 'type' | 'headers'>;

const traitsOf = new WeakMap<Response, Traits>();

/** Gives a response these properties, in a prototype, because own properties would be visible. */
function dress(response: Response, traits: Traits): Response {
  // A response from the network has immutable headers; one that a program made has headers of its own.
  traitsOf.set(response, traits.type === 'default' ? { ...traits, headers: response.headers } : traits);
  closeOnceCollected(response);
  return Object.setPrototypeOf(response, dressedPrototype(Object.getPrototypeOf(response)));
}

const dressedPrototypes = new WeakMap<Response, object>();

function dressedPrototype(bare: Response): object {
  const known = dressedPrototypes.get(bare);
  if (known) return known;
  const traits = (response: Response) => traitsOf.get(response) as Traits;
  const dressed: Traits & Pick<Response, 'clone'> & ThisType<Response> = {
    get url() {
      return traits(this).url;
    },
    get redirected() {
      return traits(this).redirected;
    },
    get type() {
      return traits(this).type;
    },
    get headers() {
      return traits(this).headers;
    },
    clone() {
      const clone = dress(bare.clone.call(this), traits(this));
      // A clone gives the original another body.
      closeOnceCollected(this);
      return clone;
    },
  };
  dressedPrototypes.set(bare, Object.setPrototypeOf(dressed, bare));
  return dressed;
}

/** The reason with which runtrace cancels the body of a response that was garbage-collected unread. */
const COLLECTED = 'the response was collected';
/** Node's reason, when it does the same. */
const COLLECTED_BY_PLATFORM = 'Response object has been garbage collected';

/** Whether a body was cancelled because its response was garbage-collected unread. */
export function isCollected(reason: unknown): boolean {
  return reason === COLLECTED || reason === COLLECTED_BY_PLATFORM;
}

const bodies =
  typeof FinalizationRegistry === 'function'
    ? /* @__PURE__ */ new FinalizationRegistry<ReadableStream>(closeUnread)
    : undefined;

/** A platform closes the connection of a response that is garbage-collected unread, but not of one that a program made. */
function closeOnceCollected(response: Response): void {
  if (response.body) bodies?.register(response, response.body);
}

function closeUnread(body: ReadableStream): void {
  if (isUnread(body)) body.cancel(COLLECTED).catch(() => {});
}

/** No property tells whether a stream was ever read, but a constructor does. */
function isUnread(body: ReadableStream): boolean {
  try {
    return new Response(body).body !== null;
  } catch {
    return false;
  }
}
