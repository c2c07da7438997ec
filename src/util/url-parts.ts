import { remembered } from './memo.js';

/** A path or a URL without the slashes at its end. The first of a run is looked for: a long run is read once, not from each of its slashes on. */
export function withoutLastSlashes(path: string): string {
  return path.replace(/(?<!\/)\/+$/, '');
}

/** The parts of a URL that have attributes of their own. */
export interface UrlParts {
  readonly address: string;
  /** Set even if it is the scheme's default, as the HTTP semantic conventions want. */
  readonly port: number;
  readonly path: string;
}

/** The parts of a URL; `undefined` if the text is not a URL. */
export const urlParts = /* @__PURE__ */ remembered((url: string): UrlParts | undefined => {
  if (!URL.canParse(url)) return undefined;
  const { hostname, port, protocol, pathname } = new URL(url);
  return { address: hostname, port: Number(port) || (protocol === 'http:' ? 80 : 443), path: pathname };
});
