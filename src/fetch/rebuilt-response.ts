/** A response made anew around another body: everything else about it is as it was. */

/** The class of a response of which the platform's own methods tell everything; `undefined` if it has some of its own. */
export function platformClassOf(response: Response): typeof Response | undefined {
  const ResponseClass = Object.getPrototypeOf(response).constructor as typeof Response;
  if (!isPlatformClass(ResponseClass)) return undefined;
  for (const name of Object.getOwnPropertyNames(response)) {
    const property = Object.getOwnPropertyDescriptor(response, name) as PropertyDescriptor;
    // It may read the body that the response has, or another one.
    if (property.get || typeof property.value === 'function') return undefined;
  }
  return ResponseClass;
}

/** The same response, of a class that `platformClassOf` knows, with another body. */
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

/** A mock's class, or one that is derived from the platform's, may keep what a new object of it would not have. */
function isPlatformClass(ResponseClass: typeof Response): boolean {
  if (ResponseClass === globalThis.Response) return true;
  return (
    Object.getPrototypeOf(ResponseClass) === Function.prototype &&
    (ResponseClass.prototype as { [Symbol.toStringTag]?: string })[Symbol.toStringTag] === 'Response'
  );
}

/** What a Response made by hand can't be told. */
type Traits = Pick<Response, 'url' | 'redirected' | 'type' | 'headers'>;

const traitsOf = new WeakMap<Response, Traits>();

/** Tells a response what it is. A prototype does it, so that the object itself has no property that the real one hasn't. */
function dress(response: Response, traits: Traits): Response {
  // What came from the network has headers that can't be changed; what was made by hand has its own.
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
      // It has got another body by that.
      closeOnceCollected(this);
      return clone;
    },
  };
  dressedPrototypes.set(bare, Object.setPrototypeOf(dressed, bare));
  return dressed;
}

/** Why a body is cancelled whose response was collected, and which nobody has read. */
export const COLLECTED = 'the response was collected';

const bodies =
  typeof FinalizationRegistry === 'function'
    ? /* @__PURE__ */ new FinalizationRegistry<ReadableStream>(closeUnread)
    : undefined;

/** Platforms close the connection of a response that is collected unread. They don't do so for one that was made by hand. */
function closeOnceCollected(response: Response): void {
  if (response.body) bodies?.register(response, response.body);
}

function closeUnread(body: ReadableStream): void {
  if (isUnread(body)) body.cancel(COLLECTED).catch(() => {});
}

/** Nothing but this tells whether a stream was ever read. */
function isUnread(body: ReadableStream): boolean {
  try {
    return new Response(body).body !== null;
  } catch {
    return false;
  }
}
