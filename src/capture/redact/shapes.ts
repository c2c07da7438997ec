import { type Edit, REDACTED } from './edits.js';

/** No known key is shorter, with the prefix that it is known by. */
export const MIN_KEY_LENGTH = 16;

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
  `(?:gh[oprsu]|github_pat|gsk|hf|ek|npm|r8|fw|[rs]k|lsv2_(?:pt|sk)|tgp_v1|pcsk|dckr_pat|shp(?:at|ca|pa|ss)|sntry[su]|glsa|lin_api|ntn|jina|apify_api|e2b|sbp|sb_secret|dop_v1|figd)_${RANDOM}[\\w-]{11,}`,
  // Google: API keys, OAuth access tokens, the newer API keys, refresh tokens.
  'AIza[\\w-]{20,}',
  'ya29\\.[\\w-]{11,}',
  'AQ\\.[\\w-]{20,}',
  '1//0[\\w-]{20,}',
  // AWS: key ids; Bedrock keys, long and short term (base64 of `BedrockAPIKey-` and of `bedrock.`).
  '(?:AKIA|ASIA)[A-Z0-9]{16}',
  'ABSKQmVkcm9ja0FQSUtle[A-Za-z0-9]*',
  `bedrock-api-key-${RANDOM}[A-Za-z0-9]{11,}`,
  // Stripe, Svix: webhooks' secrets.
  'whsec_[A-Za-z0-9+/]{11,}',
  // Azure: the mark inside of its keys.
  '[A-Za-z0-9]{40,60}JQQJ99[A-Za-z0-9]{10,}',
  // JSON Web Tokens, and the header of one alone. They begin no later than their run of characters, which keeps the search short.
  '(?<![_-])eyJ[\\w-]{8,}\\.[\\w-]{8,}(?:\\.[\\w-]*)*',
  '(?<![_-])eyJhbGciOi[\\w-]{6,}',
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

const KEY = /* @__PURE__ */ new RegExp(`(?:${SHAPES.join('|')})`, 'y');

/**
 * The first three characters of every shape, each as one number: what else begins a word need not be looked at. What has no
 * literal beginning of three is looked for where it stands.
 */
const BEGINNINGS = /* @__PURE__ */ new Set(
  (
    'sk- csk xai ppl nva tvl xox xap GOC pul gla glc gld glf gli glo glp glr gls gho ghp ghr ghs ghu git gsk hf_ npm r8_ fw_ rk_ ' +
    'sk_ whs lsv tgp pcs dck shp snt gls lin ntn jin api e2b sbp sb_ dop fig AIz ya2 AQ. AKI ASI ABS bed eyJ SG. hvb hvs hvr ' +
    'dp. dap key ek_ AGE 1// SK0 SK1 SK2 SK3 SK4 SK5 SK6 SK7 SK8 SK9 SKa SKb SKc SKd SKe SKf'
  )
    .split(' ')
    .map((beginning) => packThree(beginning, 0)),
);

function packThree(text: string, at: number): number {
  return (text.charCodeAt(at) << 16) | (text.charCodeAt(at + 1) << 8) | text.charCodeAt(at + 2);
}

const SPACE = 32;
const SCHEME_BEFORE = /(?:^|[^a-z])(?:bearer|basic) $/i;
const AZURE_KEY_LENGTH = 70;
const ESCAPE_REST = /(?<=\\)(?:[bfnrt]|u[0-9A-Fa-f]{4})|(?<=%)[0-9A-Fa-f]{2}/y;

/** Keys in base64: the characters that are none of a name's belong to them too. */
const BASE64_KEY = /^(?:ABSK|bedrock-api-key-|whsec_)/;
const BASE64_REST = /[A-Za-z0-9+/=._~-]*/y;

/** A secret of AWS has no shape of its own, but it stands beside its key id. */
const AWS_KEY_ID = /^A[KS]IA/;
const AWS_SECRET = /(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=])/g;

/** Which characters keys are made of, by their code: the others end a run. */
const IN_RUN = /* @__PURE__ */ new Uint8Array(128);
for (let code = 0; code < 128; code++) if (/[\w+/.-]/.test(String.fromCharCode(code))) IN_RUN[code] = 1;

function isInRun(code: number): boolean {
  return code < 128 && IN_RUN[code] === 1;
}

function isAlphanumeric(code: number): boolean {
  const lowerCase = code | 32;
  return (lowerCase >= 97 && lowerCase <= 122) || (code >= 48 && code <= 57);
}

/**
 * Adds an edit for every known key in a text. Only runs of at least `MIN_KEY_LENGTH` characters that keys are made of are
 * looked at, and to find those most characters need not be looked at.
 */
export function findKeys(text: string, edits: Edit[]): void {
  const before = edits.length;
  for (let start = 0, end = MIN_KEY_LENGTH; end <= text.length; end = start + MIN_KEY_LENGTH) {
    let last = end - 1;
    while (last >= start && isInRun(text.charCodeAt(last))) last--;
    if (last >= start) {
      start = last + 1;
      continue;
    }
    while (end < text.length && isInRun(text.charCodeAt(end))) end++;
    findInRun(text, start, end, edits);
    start = end + 1;
  }
  if (edits.length > before && edits.some((edit) => AWS_KEY_ID.test(text.slice(edit.start, edit.start + 4)))) {
    for (const { index } of text.matchAll(AWS_SECRET)) edits.push({ start: index, end: index + 40, text: REDACTED });
  }
}

function findInRun(text: string, start: number, end: number, edits: Edit[]): void {
  if (text.charCodeAt(start - 1) === SPACE && SCHEME_BEFORE.test(text.slice(Math.max(0, start - 8), start))) {
    const tokenEnd = endOf(BASE64_REST, text, start);
    if (looksEncoded(text.slice(start, tokenEnd))) {
      edits.push({ start, end: tokenEnd, text: REDACTED });
      return;
    }
  }
  const last = end - MIN_KEY_LENGTH;
  for (let at = isEscaping(text.charCodeAt(start - 1)) ? firstWord(text, start) : start; at <= last; ) {
    const keyEnd = isBeginning(text, at, start, end) ? endOfKey(text, at) : at;
    if (keyEnd > at) edits.push({ start: at, end: keyEnd, text: REDACTED });
    at = keyEnd > at ? keyEnd : nextWord(text, at, end);
  }
}

/**
 * Where the first word of a run begins: not in what is left of an escape before it (`\nsk-…`, `\u0022sk-…`, `%22sk-…`), which is
 * there where a text was quoted twice.
 */
function firstWord(text: string, start: number): number {
  return endOf(ESCAPE_REST, text, start);
}

/** `\` and `%`. */
function isEscaping(code: number): boolean {
  return code === 92 || code === 37;
}

/** Keys don't begin inside of a word. */
function nextWord(text: string, at: number, end: number): number {
  let next = at;
  while (next < end && isAlphanumeric(text.charCodeAt(next))) next++;
  return next + 1;
}

function isBeginning(text: string, at: number, start: number, end: number): boolean {
  if (BEGINNINGS.has(packThree(text, at))) return true;
  // Telegram's come after the number of the bot.
  if (at === start && text.startsWith(':AA', at - 1)) return true;
  return end - at >= AZURE_KEY_LENGTH;
}

function endOfKey(text: string, start: number): number {
  const end = endOf(KEY, text, start);
  if (end === start || !BASE64_KEY.test(text.slice(start, end))) return end;
  return endOf(BASE64_REST, text, end);
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

const SCHEMES = ['Bearer ', 'Basic '];
const SCHEME_TOKEN = / *([A-Za-z0-9+/=._~-]+)/y;

/**
 * Adds an edit for what follows `Bearer` or `Basic`, where it looks like credentials and not like the next word. In lower case those
 * are words of every text, so there only what is long enough for a key is looked at, by `findKeys`.
 */
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

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

function isBearerToken(token: string): boolean {
  return token.length >= 6 && looksEncoded(token);
}

function isBasicCredentials(token: string): boolean {
  if (token.length >= MIN_KEY_LENGTH && looksEncoded(token)) return true;
  if (!BASE64.test(token) || token.length % 4 === 1) return false;
  try {
    return atob(token).includes(':');
  } catch {
    return false;
  }
}

/** Words have no digits, and no capitals behind small letters. */
function looksEncoded(token: string): boolean {
  return /[0-9]|[a-z][A-Z]/.test(token);
}

const RANDOM_RUN = /[A-Za-z0-9]{16,}/g;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether a value could be the secret that its name makes one suspect: long, without words in it, letters and digits mixed. */
export function looksRandom(value: string): boolean {
  if (value.length < MIN_KEY_LENGTH || /\s/.test(value)) return false;
  if (UUID.test(value)) return true;
  return (value.match(RANDOM_RUN) ?? []).some((run) => /[0-9]/.test(run) && /[A-Za-z]/.test(run));
}

/** Where a match of a sticky expression at `from` ends; `from` if there is none. */
export function endOf(sticky: RegExp, text: string, from: number): number {
  sticky.lastIndex = from;
  return sticky.test(text) ? sticky.lastIndex : from;
}
