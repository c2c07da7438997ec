/** What is asked of every attempt's URL; an application has few of them, and asks again and again. */

/** The parts of a URL that are recorded by themselves. */
export interface UrlParts {
  readonly address: string;
  /** Said even where it is the scheme's own, as the HTTP conventions want. */
  readonly port: number;
  readonly path: string;
}

/** The parts of a URL; `undefined` if it isn't one. */
export const urlParts = /* @__PURE__ */ remembered((url: string): UrlParts | undefined => {
  if (!URL.canParse(url)) return undefined;
  const { hostname, port, protocol, pathname } = new URL(url);
  return { address: hostname, port: Number(port) || (protocol === 'http:' ? 80 : 443), path: pathname };
});

const MAX_REMEMBERED = 64;

/** `fn` with its last answers remembered. */
export function remembered<T>(fn: (url: string) => T): (url: string) => T {
  const answers = new Map<string, T>();
  return (url) => {
    const known = answers.get(url);
    if (known !== undefined) return known;
    const answer = fn(url);
    if (answers.size === MAX_REMEMBERED) answers.clear();
    answers.set(url, answer);
    return answer;
  };
}
