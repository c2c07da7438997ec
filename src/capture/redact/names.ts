/** What a name says about its value: `PLAIN`, `SUSPECT`, `TOKEN` or `SECRET`. The bigger, the surer. */
export type NameKind = 0 | 1 | 2 | 3;
/** Nothing. */
export const PLAIN = 0;
/** The value is a secret if it looks like one: `key`, `auth`. */
export const SUSPECT = 1;
/** A text under it is a secret, a number or an object is not: `token: 17`, `token: { id: 5, text: 'a' }`. */
export const TOKEN = 2;
/** Whatever stands under it is a secret; only `true`, `false` and `null` can't be one. */
export const SECRET = 3;

const SECRET_PARTS = [
  'password',
  'passwd',
  'passphrase',
  'passcode',
  'secret',
  'apikey',
  'accesskey',
  'accountkey',
  'adminkey',
  'authkey',
  'authenticationkey',
  'deploykey',
  'encryptionkey',
  'masterkey',
  'privatekey',
  'servicekey',
  'sharedkey',
  'sharedaccess',
  'signingkey',
  'storagekey',
  'subscriptionkey',
  'webhookkey',
  'credential',
  'authorization',
];

/** Tokens in the plural are counters, but not these. */
const TOKEN_PARTS = [
  'accesstoken',
  'apitoken',
  'authtoken',
  'bearertoken',
  'refreshtoken',
  'sessiontoken',
  'securitytoken',
];

const SECRET_LAST_WORDS = new Set(['cookie', 'cookies', 'jwt', 'otp', 'pw', 'pwd', 'totp']);

/** What is said about a secret, not the secret itself: `token_type`, `api_key_name`, `password_length`. */
const ABOUT =
  /(?:count|created|createdat|enabled|endpoint|expires|expiresat|expiresin|expiry|hint|length|limit|name|policy|required|source|status|type|url|uri|usage|version)$/;

/** `max_token`, `eos_token`, `cost_per_token`, `next_page_token`: words before `token` that make it a unit of text or a cursor. */
const HARMLESS_BEFORE_TOKEN = /* @__PURE__ */ new Set(
  (
    'audio begin bos cached change cls completion continuation end eos first image input last mask max min next num ' +
    'output pad page per previous prompt reasoning sep special start stop sync text thought total unk'
  ).split(' '),
);

const HARMLESS_KEY =
  /(?:cache|dedup|deduplication|field|foreign|group|hash|idempotency|index|map|object|partition|primary|public|publishable|range|row|routing|shortcut|sort|surrogate|translation|websocket)key$/;

/** What else is a secret in a URL or a form. Source: the HTTP conventions' list for `url.full`, and what OAuth and SAS put there. */
const SECRET_PARAMETERS = /* @__PURE__ */ new Set(
  (
    'assertion awsaccesskeyid clientassertion code googleaccessid hmac key pass samlresponse session sid sig signature ' +
    'ticket token xamzcredential xamzsignature xgoogcredential xgoogsignature'
  ).split(' '),
);

/** What every name has that says anything at all: the rest need not be looked at. */
const HINT = /auth|cookie|cred|jwt|key|otp|pass|pw|secret|shared|sig|token/i;

/** A name without case and separators: `X-Api-Key`, `x_api_key` and `xApiKey` are one name. */
export function condenseName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** What the name of a header, a JSON key or a variable says about its value. Counters, rate limits and ids are `PLAIN`. */
export function nameKind(name: string): NameKind {
  if (!mayBeSecretName(name)) return PLAIN;
  const condensed = condenseName(name);
  if (condensed.includes('ratelimit')) return PLAIN;
  if (ABOUT.test(condensed)) return PLAIN;
  if (SECRET_PARTS.some((part) => condensed.includes(part)) && !condensed.includes('secretar')) return SECRET;
  if (TOKEN_PARTS.some((part) => condensed.includes(part))) return TOKEN;
  const words = wordsOf(name);
  const last = words.at(-1) ?? '';
  if (SECRET_LAST_WORDS.has(last) || condensed.endsWith('pwd')) return SECRET;
  if (last.endsWith('token')) return HARMLESS_BEFORE_TOKEN.has(words.at(-2) ?? '') ? PLAIN : TOKEN;
  if (last === 'pass' || condensed.endsWith('tokenvalue')) return TOKEN;
  if (condensed.endsWith('key')) return HARMLESS_KEY.test(condensed) ? PLAIN : SUSPECT;
  return last === 'auth' || condensed === 'sig' ? SUSPECT : PLAIN;
}

/** Whether `nameKind` could be more than `PLAIN`, at the cost of one look. */
export function mayBeSecretName(name: string): boolean {
  return HINT.test(name);
}

/** Whether a query key or a form field of this name is a secret beyond what `nameKind` says. */
export function isSecretParameter(name: string): boolean {
  return SECRET_PARAMETERS.has(condenseName(name));
}

function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
}
