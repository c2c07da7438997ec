import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { isLoopback } from '../exporter/sender/loopback.js';

/** Who may ask what. The page and its API need the token; OTLP does not, because an SDK cannot know it. */
export interface Access {
  /** A secret of this process, in the URL of the page. */
  readonly token: string;
  /** Why a request is refused without regard to what it asks for; `undefined` if it is not. */
  refusal(headers: IncomingHttpHeaders): string | undefined;
  /** Whether the request brings the token: in its URL, as a cookie, or as a bearer. */
  hasToken(request: IncomingMessage, url: URL): boolean;
  /** Lets the page ask without the token in its URL. */
  cookie(): string;
}

/** Sent with every answer. Nothing but the page's own files is loaded, and nothing inline is run. */
export const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** `host`: the address that the user asked for, if it is not this machine's loopback. */
export function createAccess(port: number, host: string | undefined): Access {
  const token = randomBytes(24).toString('base64url');
  // Cookies of 127.0.0.1 are shared by its ports.
  const cookieName = `runtrace-view-${port}`;
  return {
    token,
    refusal(headers) {
      if (!isOwnName(headers.host, host)) {
        // A name that a foreign site points to this machine (DNS rebinding) arrives here.
        return 'the Host header is not an address of this viewer';
      }
      if (headers.origin !== undefined && headers.origin !== `http://${headers.host}`) {
        return 'pages of other sites may not ask this viewer';
      }
      const site = headers['sec-fetch-site'];
      const isNavigation = headers['sec-fetch-mode'] === 'navigate';
      if (site !== undefined && site !== 'same-origin' && site !== 'none' && !isNavigation) {
        return 'pages of other sites may not ask this viewer';
      }
      return undefined;
    },
    hasToken(request, url) {
      const bearer = request.headers.authorization?.replace(/^Bearer /i, '');
      const given = [url.searchParams.get('token'), bearer, readCookie(request.headers.cookie, cookieName)];
      return given.some((it) => isEqual(it ?? '', token));
    },
    cookie: () => `${cookieName}=${token}; HttpOnly; SameSite=Strict; Path=/`,
  };
}

/** Whether a `Host` header names this viewer. DNS cannot point an address elsewhere, as it can a name. */
function isOwnName(header: string | undefined, host: string | undefined): boolean {
  const name = /^(\[[^\]]+\]|[^:]+)(?::\d+)?$/.exec(header ?? '')?.[1]?.toLowerCase();
  if (name === undefined) return false;
  if (isLoopback(name)) return true;
  return host !== undefined && (name === host.toLowerCase() || isIP(name.replace(/^\[|\]$/g, '')) > 0);
}

function readCookie(header: string | undefined, name: string): string | undefined {
  const pairs = (header ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}

function isEqual(given: string, token: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(token);
  return a.length === b.length && timingSafeEqual(a, b);
}
