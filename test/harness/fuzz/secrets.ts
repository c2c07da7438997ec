import type { Random } from './random.js';

/** A secret, and the text that it is planted as. */
export interface Secret {
  /** How it looks in a text. */
  readonly text: string;
  /** What of it must not be found in anything that is kept. */
  readonly needles: readonly string[];
}

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const BASE64 = `${ALPHANUMERIC}+/`;
const BASE64_URL = `${ALPHANUMERIC}-_`;
const HEX = '0123456789abcdef';

function shaped(prefix: string, alphabet: string, length: number): (random: Random) => Secret {
  return (random) => {
    const rest = random.text(alphabet, length);
    return { text: prefix + rest, needles: [rest] };
  };
}

function encode(object: object): string {
  return Buffer.from(JSON.stringify(object)).toString('base64url');
}

/** Secrets that can be known by their shape, wherever they stand. */
export const SHAPED_SECRETS: Readonly<Record<string, (random: Random) => Secret>> = {
  'OpenAI, old': shaped('sk-', ALPHANUMERIC, 48),
  'OpenAI, project': shaped('sk-proj-', BASE64_URL, 120),
  Anthropic: shaped('sk-ant-api03-', BASE64_URL, 93),
  OpenRouter: shaped('sk-or-v1-', HEX, 64),
  Groq: shaped('gsk_', ALPHANUMERIC, 52),
  xAI: shaped('xai-', ALPHANUMERIC, 80),
  Perplexity: shaped('pplx-', HEX, 48),
  Google: shaped('AIzaSy', BASE64_URL, 33),
  'Google, newer': shaped('AQ.Ab8RN6', BASE64_URL, 44),
  'Google OAuth': shaped('ya29.a0', BASE64_URL, 160),
  'Google client secret': shaped('GOCSPX-', BASE64_URL, 28),
  'AWS key id': shaped('AKIA', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 16),
  'AWS temporary key id': shaped('ASIA', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 16),
  Bedrock: shaped('ABSKQmVkcm9ja0FQSUtleS0', BASE64, 100),
  GitHub: shaped('ghp_', ALPHANUMERIC, 36),
  'GitHub OAuth': shaped('gho_', ALPHANUMERIC, 36),
  'GitHub, fine-grained': (random) => {
    const [first, second] = [random.text(ALPHANUMERIC, 22), random.text(ALPHANUMERIC, 59)];
    return { text: `github_pat_${first}_${second}`, needles: [first, second] };
  },
  Slack: (random) => {
    const rest = random.text(ALPHANUMERIC, 24);
    return { text: `xoxb-${random.text('123456789', 12)}-${random.text('123456789', 13)}-${rest}`, needles: [rest] };
  },
  'Hugging Face': shaped('hf_', ALPHANUMERIC, 34),
  Stripe: shaped('sk_live_', ALPHANUMERIC, 24),
  'Stripe, restricted': shaped('rk_live_', ALPHANUMERIC, 24),
  'Stripe webhook': shaped('whsec_', BASE64, 32),
  npm: shaped('npm_', ALPHANUMERIC, 36),
  GitLab: shaped('glpat-', BASE64_URL, 20),
  SendGrid: (random) => {
    const [first, second] = [random.text(BASE64_URL, 22), random.text(BASE64_URL, 43)];
    return { text: `SG.${first}.${second}`, needles: [first, second] };
  },
  Azure: (random) => {
    const [first, second] = [random.text(ALPHANUMERIC, 52), random.text(ALPHANUMERIC, 26)];
    return { text: `${first}JQQJ99${second}`, needles: [first, second] };
  },
  JWT: (random) => {
    const subject = random.text(ALPHANUMERIC, 16);
    const payload = encode({ sub: subject, iat: 1_516_239_022 });
    const signature = random.text(BASE64_URL, 43);
    return { text: `${encode({ alg: 'HS256', typ: 'JWT' })}.${payload}.${signature}`, needles: [payload, signature] };
  },
  Bearer: (random) => {
    const token = random.text(`${BASE64_URL}`, 32);
    return { text: `Bearer ${token}`, needles: [token] };
  },
  Basic: (random) => {
    const credentials = Buffer.from(`user:${random.text(ALPHANUMERIC, random.integer(6, 20))}`).toString('base64');
    return { text: `Basic ${credentials}`, needles: [credentials] };
  },
  'URL with a password': (random) => {
    const password = random.text(`${ALPHANUMERIC}-._~!$*`, random.integer(8, 20));
    const scheme = random.pick(['postgres', 'https', 'redis', 'mongodb+srv', 'amqp']);
    return { text: `${scheme}://admin:${password}@db.example.com:5432/main?ssl=1`, needles: [password] };
  },
  'SAS in a URL': (random) => {
    const signature = random.text(ALPHANUMERIC, 43);
    return {
      text: `https://x.blob.core.windows.net/c/b.txt?sv=2021-08-06&sp=r&sig=${signature}%3D&se=2026`,
      needles: [signature],
    };
  },
  'connection string': (random) => {
    const password = random.text(`${ALPHANUMERIC} !#$%*+-./?@_~`, random.integer(8, 20)).trim();
    return { text: `Server=tcp:db.example.com,1433;Password=${password};Encrypt=True`, needles: [password] };
  },
  'Azure storage connection string': (random) => {
    const key = random.text(BASE64, 86);
    return {
      text: `DefaultEndpointsProtocol=https;AccountName=x;AccountKey=${key}==;EndpointSuffix=core.windows.net`,
      needles: [key],
    };
  },
  'AWS credentials': (random) => {
    const secret = random.text(BASE64, 40);
    return { text: `aws_access_key_id=x aws_secret_access_key=${secret}`, needles: [secret] };
  },
  'AWS pair': (random) => {
    const secret = random.text(BASE64, 40);
    return { text: `AKIA${random.text('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 16)} ${secret} `, needles: [secret] };
  },
  'PEM block': (random) => {
    const lines = Array.from({ length: random.integer(1, 6) }, () => random.text(BASE64, 64));
    const label = random.pick(['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY', 'OPENSSH PRIVATE KEY']);
    return { text: `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----`, needles: lines };
  },
};

/** Names that say by themselves that their value is a secret, in the ways that people write them. */
export const SECRET_NAMES = [
  'api_key',
  'apiKey',
  'API-KEY',
  'x-api-key',
  'OPENAI_API_KEY',
  'authorization',
  'Proxy-Authorization',
  'password',
  'db_password',
  'passwd',
  'client_secret',
  'clientSecret',
  'SecretAccessKey',
  'access_token',
  'refreshToken',
  'id_token',
  'sessionToken',
  'X-Amz-Security-Token',
  'AccountKey',
  'SharedAccessKey',
  'private_key',
  'Ocp-Apim-Subscription-Key',
  'credentials',
  'cookie',
  'Set-Cookie',
] as const;

/** A value that nothing but its name shows to be a secret. */
export function unshapedSecret(random: Random, alphabet = `${ALPHANUMERIC}!#$%*+-./?@_~`): Secret {
  // Its first character is a letter, for no quoting and no operator begins so.
  const text = random.text(ALPHANUMERIC.slice(0, 52), 1) + random.text(alphabet, random.integer(9, 24));
  return { text, needles: [text] };
}
