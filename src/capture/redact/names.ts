/** What a name says about its value: `PLAIN`, `SUSPECT`, `TOKEN` or `SECRET`. A higher kind is surer. */
import { wordSet } from './word-set.js';

export type NameKind = 0 | 1 | 2 | 3;
/** The name says nothing. */
export const PLAIN = 0;
/** The value is a secret if it looks like one: `key`, `auth`. */
export const SUSPECT = 1;
/** A text under it is a secret, a number or an object is not: `token: 17`, `token: { id: 5, text: 'a' }`. */
export const TOKEN = 2;
/** Every value is a secret, except `true`, `false` and `null`. */
export const SECRET = 3;

const SECRET_PARTS = [
  'password',
  'passwort',
  'passwd',
  'passphrase',
  'passcode',
  'backupcode',
  'recoverycode',
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
  'subscriptionkey',
  'webhookkey',
  'seedphrase',
  'recoveryphrase',
  'backupphrase',
  'mnemonicphrase',
  'credential',
  'authorization',
  // `password` in other languages.
  'adgangskode',
  'contrasena',
  'katasandi',
  'kennwort',
  'motdepasse',
  'passord',
  'requirepass',
  'masterauth',
  'sshpass',
  'storepass',
  'keypass',
  'salasana',
  'wachtwoord',
  'zugangscode',
  'zugangsdaten',
];

/** `tokens` counts text, except in the plural of these. */
const TOKEN_PARTS = [
  'accesstoken',
  'apitoken',
  'authtoken',
  'bearertoken',
  'refreshtoken',
  'sessiontoken',
  'securitytoken',
];

/** `secret`, but not secretary, secretion, secretly. */
const SECRET_WORD = /secret(?!ar|io|ed|es|ing|ly|or)/;

const SECRET_LAST_WORDS = new Set([
  'clave',
  'cookie',
  'cookies',
  'creds',
  'heslo',
  'jwt',
  'mdp',
  'otp',
  'parola',
  'pw',
  'pwd',
  'senha',
  'totp',
]);

/** Endings of names that describe a secret and don't hold it: `token_type`, `api_key_name`, `password_length`. */
const ABOUT =
  /(?:algorithm|arn|class|count|created|dir|edat|enabled|endpoint|expires|expiresat|expiresin|expiry|field|file|filename|format|hint|icon|issuer|label|length|less|lifetime|limit|manager|name|namespace|page|path|pattern|placeholder|policy|prefix|prompt|provider|providers|ref|regex|required|route|rules|scope|scopes|selector|source|status|strength|suffix|timeout|title|ttl|type|url|uri|usage|validator|version)$/;

/** `max_token`, `eos_token`, `cost_per_token`, `next_page_token`: words before `token` that make it a unit of text or a cursor. */
const HARMLESS_BEFORE_TOKEN = /* @__PURE__ */ wordSet(
  'audio begin bos cached change cls completion continuation end eos first image input last mask max min next num ' +
    'output pad page per previous prompt reasoning sep special start stop sync text thought total unk',
);

const HARMLESS_KEY =
  /(?:answer|cache|dedup|deduplication|field|foreign|gpg|group|hash|idempotency|index|map|object|partition|primary|public|publishable|range|row|routing|shortcut|sort|surrogate|translation|websocket)key$/;

/** `_gitlab_session`: the cookie of a Rails application. */
const SESSION_COOKIE = /^_\w+_session$/;
/** The credentials of Bundler: `BUNDLE_GEMS__EXAMPLE__COM`. */
const BUNDLER = /^BUNDLE_\w+__\w+$/;

/** What else is a secret in a URL or a form. Source: the HTTP conventions' list for `url.full`, and what OAuth and SAS put there. */
const SECRET_PARAMETERS = /* @__PURE__ */ wordSet(
  'assertion awsaccesskeyid clientassertion code googleaccessid hmac jsessionid key pass phpsessid samlresponse sessid session sessionid sid sig signature ' +
    'ticket token xamzcredential xamzsignature xgoogcredential xgoogsignature',
);

/** Every name that is more than `PLAIN` matches this. */
const HINT =
  /a(?:uth|dga)|b(?:und|ackup)|c(?:lave|ookie|ontra|red)|heslo|jwt|ke(?:y|nn)|kata|mdp|otp|p(?:a(?:ss|rola)|hrase|w)|recov|s(?:ecret|ession|enha|alas|hared|ig)|token|wach|zugang/i;

/** A name without case and separators: `X-Api-Key`, `x_api_key` and `xApiKey` are one name. */
export function condenseName(name: string): string {
  return CONDENSED.test(name) ? name : name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

const CONDENSED = /^[a-z0-9]*$/;

/** What the name of a header, a JSON key or a variable says about its value. Counters, rate limits and ids are `PLAIN`. */
export function nameKind(name: string): NameKind {
  if (!mayBeSecretName(name)) return PLAIN;
  const condensed = condenseName(name);
  // Paths and packages: `node_modules/cookie`, `./utils/jwt`, `@aws-sdk/credential-providers`.
  if (condensed.includes('ratelimit') || name.includes('/')) return PLAIN;
  if (ABOUT.test(condensed)) return PLAIN;
  if (SECRET_WORD.test(condensed) || SECRET_PARTS.some((part) => condensed.includes(part))) return SECRET;
  if (TOKEN_PARTS.some((part) => condensed.includes(part))) return TOKEN;
  if (BUNDLER.test(name) || name === '_auth') return SECRET;
  const words = wordsOf(name);
  const last = words.at(-1) ?? '';
  if (SECRET_LAST_WORDS.has(last) || condensed.endsWith('pwd')) return SECRET;
  if (last.endsWith('token')) return HARMLESS_BEFORE_TOKEN.has(words.at(-2) ?? '') ? PLAIN : TOKEN;
  if (last === 'pass' || condensed.endsWith('tokenvalue') || SESSION_COOKIE.test(name)) return TOKEN;
  if (condensed.endsWith('key')) return HARMLESS_KEY.test(condensed) ? PLAIN : SUSPECT;
  return last === 'auth' || condensed === 'sig' ? SUSPECT : PLAIN;
}

/** Whether `nameKind` could be more than `PLAIN`; one expression decides. */
export function mayBeSecretName(name: string): boolean {
  return name.length > 1 && HINT.test(name);
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
