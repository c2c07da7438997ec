import { type Edit, REDACTED } from './edits.js';

/** No known key is shorter, with the prefix that it is known by. */
export const MIN_KEY_LENGTH = 16;

/**
 * Where a key may begin: not inside of a word, but after what is left of an escape (`\nsk-…`, `\u0022sk-…`, `%22sk-…`), which is
 * there where a text was quoted twice.
 */
const BEGIN = String.raw`(?:(?<![A-Za-z0-9])|(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{4})|(?<=%[0-9A-Fa-f]{2}))`;

/** Words and names in lower case look like keys with these prefixes (`sk-learn-based-approach`); keys have a digit or a capital. */
const RANDOM = '(?=[a-z_-]{0,80}[0-9A-Z])';

/**
 * The shapes of known keys, as their issuers document them. Every one begins with a literal, and none can look at the same
 * characters more than twice, so that no text is slow.
 */
const SHAPES = [
  // OpenAI, Anthropic, OpenRouter, DeepSeek, Langfuse and others; Cerebras, xAI, Perplexity, NVIDIA, Tavily, Slack, Google OAuth, GitLab, Pulumi.
  `(?:sk|csk|xai|pplx|nvapi|tvly|xox[a-z]|xapp|GOCSPX|pul|gl(?:agent|cbt|dt|ffct|ft|imt|oas|pat|ptt|rt|soat))-${RANDOM}[\\w-]{11,}`,
  // GitHub, Groq, Hugging Face, npm, Replicate, Fireworks, Stripe, LangSmith, Together, Pinecone, Docker, Shopify, Sentry, Grafana, Linear, …
  `(?:gh[oprsu]|github_pat|gsk|hf|npm|r8|fw|[rs]k|whsec|lsv2_(?:pt|sk)|tgp_v1|pcsk|dckr_pat|shp(?:at|ca|pa|ss)|sntry[su]|glsa|lin_api|ntn|jina|apify_api|e2b|sbp|sb_secret|dop_v1|figd)_${RANDOM}[\\w-]{11,}`,
  // Google: API keys, OAuth access tokens, the newer API keys, refresh tokens.
  'AIza[\\w-]{20,}',
  'ya29\\.[\\w-]{11,}',
  'AQ\\.[\\w-]{20,}',
  '(?<=1//)0[\\w-]{20,}',
  // AWS: key ids; Bedrock keys, long and short term (base64 of `BedrockAPIKey-` and of `bedrock.`).
  '(?:AKIA|ASIA)[A-Z0-9]{16}',
  'ABSKQmVkcm9ja0FQSUtle[A-Za-z0-9]*',
  `bedrock-api-key-${RANDOM}[A-Za-z0-9]{11,}`,
  // Azure: the mark inside of its keys.
  '[A-Za-z0-9]{40,60}JQQJ99[A-Za-z0-9]{10,}',
  // JSON Web Tokens, and the header of one alone. They begin no later than their run of characters, which keeps the search short.
  '(?<![\\w-])eyJ[\\w-]{8,}\\.[\\w-]{8,}(?:\\.[\\w-]*)*',
  '(?<=\\\\[bfnrt]|%[0-9A-Fa-f]{2}|\\\\u[0-9A-Fa-f]{4})eyJ[\\w-]{8,}\\.[\\w-]{8,}(?:\\.[\\w-]*)*',
  '(?<![\\w-])eyJhbGciOi[\\w-]{6,}',
  // SendGrid, HashiCorp Vault, Doppler, Telegram, Databricks, Twilio, Mailgun, age.
  'SG\\.[\\w-]{16,}\\.[\\w-]{16,}',
  'hv[bsr]\\.[\\w-]{20,}',
  'dp\\.(?:pt|st|ct)\\.[\\w-]{16,}',
  '(?<=[0-9]{8,10}:)AA[\\w-]{30,}',
  'dapi[0-9a-f]{32}',
  'SK[0-9a-f]{32}',
  'key-[0-9a-f]{32}',
  'AGE-SECRET-KEY-1[A-Z0-9]{30,}',
];

const KEY = new RegExp(`${BEGIN}(?:${SHAPES.join('|')})`, 'g');

/** How much of what stands before a run its shapes look at: `1234567890:AA…`. */
const LOOK_BEHIND = 11;

/** Keys in base64: the characters that are none of a name's belong to them too. */
const BASE64_KEY = /^(?:ABSK|bedrock-api-key-|whsec_)/;
const BASE64_REST = /[A-Za-z0-9+/=_-]*/y;

/** A secret of AWS has no shape of its own, but it stands beside its key id. */
const AWS_KEY_ID = /^A[KS]IA/;
const AWS_SECRET = /(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=])/g;

/** Which characters keys are made of, by their code: the others end a run. */
const IN_RUN = new Uint8Array(128);
for (let code = 0; code < 128; code++) if (/[\w.-]/.test(String.fromCharCode(code))) IN_RUN[code] = 1;

function isInRun(code: number): boolean {
  return code < 128 && IN_RUN[code] === 1;
}

/**
 * Adds an edit for every known key in a text. Only runs of at least `MIN_KEY_LENGTH` characters that keys are made of are
 * looked at, and to find those most characters need not be looked at.
 */
export function findKeys(text: string, edits: Edit[]): void {
  const { length } = text;
  const before = edits.length;
  let at = MIN_KEY_LENGTH - 1;
  let floor = 0;
  while (at < length) {
    if (!isInRun(text.charCodeAt(at))) {
      floor = at + 1;
      at += MIN_KEY_LENGTH;
      continue;
    }
    let start = at;
    while (start > floor && isInRun(text.charCodeAt(start - 1))) start--;
    let end = at + 1;
    while (end < length && isInRun(text.charCodeAt(end))) end++;
    if (end - start >= MIN_KEY_LENGTH) findInRun(text, start, end, edits);
    floor = end + 1;
    at = end + MIN_KEY_LENGTH;
  }
  if (edits.length > before && edits.some((edit) => AWS_KEY_ID.test(text.slice(edit.start, edit.start + 4)))) {
    for (const { index } of text.matchAll(AWS_SECRET)) edits.push({ start: index, end: index + 40, text: REDACTED });
  }
}

function findInRun(text: string, runStart: number, runEnd: number, edits: Edit[]): void {
  const from = Math.max(0, runStart - LOOK_BEHIND);
  const run = text.slice(from, runEnd);
  KEY.lastIndex = 0;
  for (let match = KEY.exec(run); match; match = KEY.exec(run)) {
    const start = from + match.index;
    let end = start + match[0].length;
    if (BASE64_KEY.test(match[0])) {
      BASE64_REST.lastIndex = end;
      BASE64_REST.test(text);
      end = BASE64_REST.lastIndex;
    }
    edits.push({ start, end, text: REDACTED });
  }
}

/** Adds an edit for every PEM block. One whose end is missing goes on to the end of the text. */
export function findPemBlocks(text: string, edits: Edit[]): void {
  let start = text.indexOf('-----BEGIN ');
  while (start !== -1) {
    const lastLine = text.indexOf('-----END ', start);
    const dashes = lastLine === -1 ? -1 : text.indexOf('-----', lastLine + 9);
    const end = dashes === -1 ? text.length : dashes + 5;
    edits.push({ start, end, text: REDACTED });
    start = text.indexOf('-----BEGIN ', end);
  }
}

const SCHEMES = ['Bearer ', 'bearer ', 'Basic ', 'basic '];
const SCHEME_TOKEN = / *([A-Za-z0-9+/=._~-]+)/y;

/** Adds an edit for what follows `Bearer` or `Basic`, where it looks like credentials and not like the next word. */
export function findSchemes(text: string, edits: Edit[]): void {
  for (const scheme of SCHEMES) {
    for (let at = text.indexOf(scheme); at !== -1; at = text.indexOf(scheme, at + scheme.length)) {
      SCHEME_TOKEN.lastIndex = at + scheme.length;
      const token = SCHEME_TOKEN.exec(text)?.[1] ?? '';
      const end = SCHEME_TOKEN.lastIndex;
      const isCredentials = scheme.length === 7 ? isBearerToken(token) : isBasicCredentials(token);
      if (isCredentials) edits.push({ start: end - token.length, end, text: REDACTED });
    }
  }
}

function isBearerToken(token: string): boolean {
  return token.length >= 6 && (token.length >= 20 || /[0-9]/.test(token));
}

function isBasicCredentials(token: string): boolean {
  if (token.length >= 20) return true;
  try {
    return atob(token).includes(':');
  } catch {
    return false;
  }
}

const RANDOM_RUN = /[A-Za-z0-9]{16,}/g;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether a value could be the secret that its name makes one suspect: long, without words in it, letters and digits mixed. */
export function looksRandom(value: string): boolean {
  if (value.length < MIN_KEY_LENGTH || /\s/.test(value)) return false;
  if (UUID.test(value)) return true;
  return (value.match(RANDOM_RUN) ?? []).some((run) => /[0-9]/.test(run) && /[A-Za-z]/.test(run));
}
