import type { Input } from '../fuzz/fuzz.js';
import { Random } from '../fuzz/random.js';

/** A text without secrets, as users send it to models or write it into logs. */
export interface Harmless {
  readonly kind: string;
  readonly input: Input;
}

const NAMES = [
  'token',
  'password',
  'secret',
  'apiKey',
  'access_token',
  'clientSecret',
  'auth_token',
  'credentials',
] as const;

/** Lines of code; `NAME` stands for the name of a secret. */
const CODE = `
NAME = next(lexer)
NAME = req.body.NAME;
const NAME = process.env.NAME;
const { NAME } = req.body;
let NAME = await fetchNAME(user);
if (NAME === null || NAME === undefined) return;
if NAME == "(":
while (NAME.type !== 'eof') NAME = lexer.next();
function login(user: string, NAME: string): Promise<void> {}
self.NAME = NAME
return { user, NAME };
def connect(host: str, NAME: str = None) -> Connection:
NAME: Optional[str] = None
NAME: str = Field(..., description="The value to use")
NAME = os.environ["NAME"]
NAME = os.getenv("NAME", "")
NAME = getpass.getpass("Enter it: ")
NAME, err := os.LookupEnv("NAME")
var NAME string
fmt.Printf("NAME: %s\\n", NAME)
String NAME = request.getParameter("NAME");
private final String NAME;
public string NAME { get; set; }
let NAME = env::var("NAME")?;
let NAME: &str = &args[1];
pub NAME: Option<String>,
$NAME = $_POST['NAME'];
'NAME' => env('NAME'),
NAME = params[:NAME]
NAME: params[:NAME],
val NAME: String? = null
let NAME = keychain.get("NAME")
headers: { Authorization: \`Bearer \${NAME}\` }
headers = {"Authorization": f"Bearer {NAME}"}
headers["Authorization"] = "Bearer " + NAME
curl -H "Authorization: Bearer $NAME" https://api.example.com/v1/models
export NAME="$(pass show example)"
NAME=\${NAME:-}
echo "NAME: $NAME"
client = Client(NAME=NAME)
client = Client(NAME=settings.NAME, timeout=10)
new Client({ NAME: config.NAME })
@Value("\${app.NAME}") String NAME;
assert response.json()["NAME"] == NAME
SELECT id FROM users WHERE NAME = ?
UPDATE users SET NAME = $1 WHERE id = $2
NAME VARCHAR(255) NOT NULL,
logger.info("NAME: {}", mask(NAME))
type Props = { NAME: string; onChange: (NAME: string) => void };
NAME?: string | undefined;
interface Config { NAME?: string }
NAME: z.string().min(8)
NAME = models.CharField(max_length=128)
case Kind.NAME: return this.parse(NAME);
NAME := lexer.Next()
char *NAME = strtok(NULL, " ");
std::string NAME = reader.next();
NAME: token.IDENT,
const [NAME, setNAME] = useState('');
<input type="password" value={NAME} onChange={e => setNAME(e.target.value)} />
print(f"NAME={NAME}")
throw new Error('NAME is required');
expect(result.NAME).toBeUndefined();
NAME = NAME.strip()
NAME = hash(NAME, salt)
NAME = (NAME || '').trim()
`;

const PAGES = `
<div class="sk-container"><div class="sk-text-repr-fallback" id="sk-container-id-1"></div></div>
<input class="sk-toggleable__control sk-hidden--visually" id="sk-estimator-id-2" type="checkbox" checked>
<div class="sk-container-repr-html-1 sk-top-container">fit</div>
<span class="token keyword">const</span> <span class="token operator">=</span> <span class="token number">42</span>
<span class="token punctuation">;</span><span class="token function">password</span>
<label for="password">Password</label><input type="password" name="password" id="password" required>
<input name="password" type="password" placeholder="Your password" autocomplete="current-password">
<button class="token-list__item token-list__item--active" data-testid="token-row">Remove</button>
<p>Forgot your password? <a href="/reset-password?step=1">Reset it</a></p>
<li class="hf_card hf_card--large">Hugging Face</li>
<td>password</td><td>string</td><td>required</td>
<h2 id="api-keys">API keys</h2><p>An API key identifies your project.</p>
<meta name="viewport" content="width=device-width, initial-scale=1">
<form action="/login" method="post"><input name="csrf_token" value="{{ csrf_token() }}"></form>
<string name="password">Password</string>
<a class="pk-btn pk-btn--primary" href="#secret-management">Secret management</a>
<template #password="{ value }"><PasswordField :model="value" /></template>
<password-field label="Password" :rules="rules"></password-field>
<token pos="DET">the</token><token pos="NOUN">lexer</token>
<img src="data:image/png;base64,BASE64" alt="A chart">
`;

const STYLES = `
.token.comment, .token.prolog { color: #708090; }
input[type="password"]:focus { outline: 2px solid; }
.token:hover::after { content: "\\201C"; }
#password:invalid ~ .hint { display: block; }
.sk-fading-circle .sk-circle:before { animation-delay: -0.1s; }
--token-color-primary: #1a73e8; --token-space-100: 4px;
a.secret-link:not(:visited){color:var(--token-color-link)}
@media (min-width: 640px){.auth-form{grid-template-columns:1fr 1fr}}
.key-value-list>li:nth-child(2n+1){background:#f6f8fa}
.hljs-token{color:#d73a49;font-weight:600}
:root{--pw-meter-weak:#e00;--pw-meter-strong:#0a0}
`;

const SETTINGS = `
PWD=/home/runner/work
OLDPWD=/usr/src/app
npm_package_engines_node=>=20
npm_package_engines_Node20=true
npm_config_user_agent=npm/10.8.2 node/v20.20.2 linux x64
npm_config_cache=/root/.npm
npm_lifecycle_script=node --test
SSH_AUTH_SOCK=/private/tmp/com.apple.launchd.Xk2/Listeners
GPG_KEY=HEXUPPER40
PYTHON_SHA256=HEX64
XDG_SESSION_ID=c2
KEYBOARD=us
TOKENIZERS_PARALLELISM=false
MAX_TOKENS=4096
SECRET_PATH=/run/secrets/app
PASSWORD_FILE=/run/secrets/db_password
API_KEY=your-api-key-here
OPENAI_API_KEY=<your key>
OPENAI_API_KEY=\${OPENAI_API_KEY}
DB_PASSWORD=
ACCESS_TOKEN=$ACCESS_TOKEN
POSTGRES_PASSWORD: \${POSTGRES_PASSWORD:-}
AUTH_ENABLED=true
JAVA_HOME=/usr/lib/jvm/java-17-openjdk-amd64
LS_COLORS=rs=0:di=01;34:ln=01;36:mh=00:pi=40;33
NODE_VERSION=20.20.2 YARN_VERSION=1.22.22
secretName: my-tls-secret
existingSecret: app-secrets
passwordSecretRef: { name: app-secret, key: password }
token_policies: ["default"]
token_ttl: 20m
password_min_length = 12
passwordless = true
secretKeyRef:
imagePullSecrets:
tokenizer: cl100k_base
secret: !Ref DatabaseSecret
secret_id: arn:aws:secretsmanager:eu-west-1:123456789012:secret:app/db-AbCdEf
`;

const WORKFLOWS = `
token: \${{ secrets.GITHUB_TOKEN }}
password: \${{ secrets.PYPI_API_TOKEN }}
api-key: \${{ secrets.X }}
NPM_TOKEN: \${{ secrets.NPM_TOKEN }}
NODE_AUTH_TOKEN: \${{secrets.NPM_TOKEN}}
secrets: inherit
id-token: write
permissions: { contents: read, id-token: write }
with: { token: "\${{ steps.app-token.outputs.token }}" }
env: { API_KEY: \${{ vars.API_KEY }}, MODE: test }
if: \${{ github.event_name == 'push' && secrets.DEPLOY_KEY != '' }}
run: echo "::add-mask::$TOKEN"
run: docker login -u "$USER" --password-stdin
run: gh auth login --with-token < token.txt
uses: actions/create-github-app-token@SHA
private-key: \${{ secrets.APP_PRIVATE_KEY }}
password: {{ .Values.auth.password | quote }}
secret: "{{ include \\"app.secretName\\" . }}"
token: "{{ lookup('env', 'TOKEN') }}"
password: !vault |
variables: { TOKEN: $CI_JOB_TOKEN }
ansible_password: "{{ vault_password }}"
password = var.db_password
secret_string = random_password.db.result
token = data.aws_eks_cluster_auth.this.token
`;

const PROSE = `
The token is the smallest unit of text that a model reads.
Tokens: a token is about four characters of English text.
Password: must be at least 12 characters and contain a digit
Password: your password should be different for every site
Token: the value that your provider gave you
API key: required. Secret: optional.
The secret: always measure before you optimize.
A key idea of this paper: attention is all you need.
:param token: A token that the lexer has produced.
:param password: The password to check.
@param {string} token - The token to parse
- \`token\` (string): the token to send with each request
- **Password:** required
| Name | Type | Description |\\n|---|---|---|\\n| token | string | The token to use |
| password | string | yes | Your password |
Use --password to set it, or --token if you have one.
Set \`password: string\` in the interface.
Authentication: see the section on authorization.
Authorization: the process of deciding what a user may do.
Cookie: a small text that a site stores in your browser.
Cookies: chocolate chip, oatmeal, and ginger.
Secretary: Ms. Moneypenny. Author: Ian Fleming.
The secretion of insulin: a review. Key words: insulin, glucose.
Incorrect password. Please try again. Invalid token: unexpected end of input
SyntaxError: Unexpected token '<', "<!DOCTYPE "... is not valid JSON
SyntaxError: Unexpected token: punc (})
KeyError: 'token'
TypeError: Cannot read properties of undefined (reading 'token')
Error: password authentication failed for user "app"
401 Unauthorized: token expired
403 Forbidden: missing API key
400 max_tokens: 5000 > 4096, which is the maximum allowed number of output tokens
Rate limit reached for gpt-5 on tokens per min (TPM): Limit 30000, Used 29000
used 17 tokens: 12 in, 5 out; max_tokens=5, total_tokens: 17
Usage: app [--token TOKEN] [--password PASSWORD] <file>
Enter password: ********
Password: [hidden]
See https://example.com/docs/api-keys#create-a-key and https://example.com/reset-password
postgres://user:password@localhost:5432/app is the form of a connection URL.
Clone git@github.com:example/repo.git or ssh://git@github.com/example/repo.git
The bearer of this letter has a basic understanding of the matter.
Basic English and Bearer tokens are two different things.
Secrets management: how to rotate credentials without downtime
passphrase: a password of several words
Public key: see keys.example.com. Sort key: createdAt. Partition key: userId.
`;

const TRANSLATIONS = [
  { password: 'Passwort', token: 'Jeton', secret: 'Geheimnis' },
  { password: 'Mot de passe', forgot_password: 'Mot de passe oublié ?' },
  { password: 'Contraseña', password_hint: 'Debe tener al menos 8 caracteres' },
  { password: '密码', token: '令牌', secret: '密钥' },
  { password: 'パスワード', api_key: 'APIキー' },
  { password: 'Пароль', passwordConfirm: 'Повторите пароль' },
  { password: '비밀번호', login: '로그인' },
  { password: 'Senha', passwordRequired: 'A senha é obrigatória' },
  { password: 'Password', passwordPlaceholder: 'Enter your password' },
  { 'login.password.label': 'Your password', 'login.password.error': 'The password is not correct' },
  { apiKey: 'API key', apiKeyHelp: 'You find your API key in the settings' },
  { secretQuestion: 'What is the name of your first pet?' },
  { passwordTooShort: 'Password must be at least {min} characters' },
  { token: 'Invalid token', tokenExpired: 'The token has expired' },
  { reset: { password: 'Reset your password', token: 'Use the token that we sent to you' } },
  { secret: 'Secret', cookie: 'Cookie', jwt: 'JWT' },
];

const LANGUAGE = [
  [
    { token: 'the', pos: 'DET' },
    { token: 'lexer', pos: 'NOUN' },
  ],
  { tokens: [{ token: 'quick', start_offset: 4, end_offset: 9, type: '<ALPHANUM>', position: 1 }] },
  { token: ' Hello', logprob: -0.31, bytes: [32] },
  { token: 'New York', label: 'GPE', start: 3, end: 11 },
  { token: '##ing', score: 0.98, index: 4 },
  { token: 'Ġworld', id: 995, offset: 6 },
  { token: 'running', lemma: 'run', tag: 'VBG' },
  { tokens: ['the', 'cat', 'sat'], token_ids: [1, 2, 3] },
  { sequence: 'Paris is nice', score: 0.4, token: 3000, token_str: 'nice' },
  { secretion: 'The release of hormones', secretory: true },
  { content: [{ token: 'Hi', top_logprobs: [{ token: 'Ho' }] }] },
  { eos_token: '</s>', bos_token: '<s>', pad_token: '[PAD]', unk_token: '<unk>' },
  { word: 'secret', synonyms: ['hidden', 'private'], key: 'noun' },
  {
    vocab: [
      { token: 'a', frequency: 10 },
      { token: 'of', frequency: 9 },
    ],
  },
];

const DOCUMENTS = [
  {
    name: 'app',
    dependencies: { jsonwebtoken: '^9.0.2', cookie: '0.5.0', 'csrf-token': '~1.0.0', passport: '^0.7.0' },
  },
  {
    dependencies: {
      '@aws-sdk/credential-providers': '^3.600.0',
      'google-auth-library': '^9.0.0',
      'tough-cookie': '4.1.3',
    },
  },
  {
    packages: {
      'node_modules/cookie': { version: '0.5.0', resolved: 'https://registry.example.com/cookie.tgz', license: 'MIT' },
    },
  },
  { securitySchemes: { apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' } } },
  { security: [{ apiKey: [] }] },
  { properties: { password: { type: 'string', format: 'password', minLength: 8 } }, required: ['password'] },
  {
    tools: [
      {
        name: 'login',
        input_schema: { type: 'object', properties: { api_key: { type: 'string', description: 'The key' } } },
      },
    ],
  },
  { token_endpoint: 'https://id.example.com/token', token_endpoint_auth_methods_supported: ['client_secret_basic'] },
  { usage: { input_tokens: 17, output_tokens: 5, total_tokens: 22 }, max_tokens: 512 },
  { next_page_token: 'CAUQAA', has_more: false, key: 'ctrl+c' },
  { api_key: null, password: '', is_secret: true, requires_auth: false },
  { type: 'password', label: 'Password', placeholder: 'Your password' },
  {
    exports: { './jwt': { types: './dist/jwt.d.ts', default: './dist/jwt.js' }, './utils/cookie': './dist/cookie.js' },
  },
  { scripts: { token: 'node scripts/token.js' }, keywords: ['token', 'password', 'secret'] },
  { error: { message: 'Invalid API key', type: 'invalid_request_error', param: null, code: 'invalid_api_key' } },
  { model: 'claude-sonnet-4-5-20250929', stop_reason: 'end_turn', id: 'msg_01ID22' },
  { spec: { secretName: 'app-tls', tokenRequests: [] } },
  { passwordPolicy: { minLength: 12 }, tokenLifetime: 3600 },
];

const HEX = '0123456789abcdef';
const ID = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Lines with ids, hashes and other random text that is no secret. */
const IDS: readonly ((random: Random) => string)[] = [
  (random) => `commit ${random.text(HEX, 40)}`,
  (random) => `${random.text(HEX, 64)}  dist/index.js`,
  (random) => `etag: W/"${random.text(HEX, 40)}"`,
  (random) => `"integrity": "sha512-${random.text(`${ID}+/`, 86)}=="`,
  (random) => `request id req_${random.text(ID, 24)} failed with 429`,
  (random) => `chatcmpl-${random.text(ID, 29)} finished in 12 ms`,
  (random) => `trace_id=${random.text(HEX, 32)} span_id=${random.text(HEX, 16)}`,
  (random) => `traceparent: 00-${random.text(HEX, 32)}-${random.text(HEX, 16)}-01`,
  (random) => `run ${[8, 4, 4, 4, 12].map((length) => random.text(HEX, length)).join('-')} settled`,
  (random) => `![chart](data:image/png;base64,iVBORw0KGgo${random.text(`${ID}+/`, 400)}==)`,
  (random) => `docker pull app@sha256:${random.text(HEX, 64)}`,
  (random) => `call_${random.text(ID, 24)} returned`,
  (random) => `toolu_01${random.text(ID, 22)} and msg_01${random.text(ID, 22)}`,
  (random) => `2026-11-26T22:36:52.123Z INFO [${random.text(HEX, 8)}] token bucket refilled: 5 tokens`,
  (random) => `wallet 0x${random.text(HEX, 40)}`,
  (random) => `file-${random.text(ID, 24)} uploaded; batch_${random.text(HEX, 32)} queued`,
  (random) => `https://cdn.example.com/assets/app.${random.text(HEX, 8)}.js?v=${random.text(HEX, 10)}`,
  (random) => `d:${random.text(HEX, 32)} md5 ok`,
  (random) => `arn:aws:iam::123456789012:role/app-${random.text(HEX, 8)}`,
  (random) =>
    `!function(e,t){"use strict";var n=t.token,r=e[${random.integer(1, 99)}];n&&r(n.key)}(this,{token:null});`,
  (random) => `a.b.c(function(t){return t.password=t.password||e.password,t.id=${random.integer(1, 999)}});`,
  (random) =>
    `sku-${random.integer(1000, 9999)} b_${random.integer(1, 99)} live_stream_${random.integer(1, 9)} test_case_${random.integer(1, 99)}`,
  (random) =>
    `p-value 0.0${random.integer(1, 9)}, key-${random.integer(1, 9)}, API-${random.integer(1, 9)}, SK-${random.integer(10, 99)}`,
];

const linesOf = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => line.replaceAll('\\n', '\n'));
const text = (kind: string, value: string): Harmless => ({ kind, input: { place: 'text', text: value } });
const json = (kind: string, value: unknown): Harmless => ({
  kind,
  input: { place: 'body', contentType: 'application/json', text: JSON.stringify(value) },
});

const CODE_TEXTS = 264;
const ID_TEXTS = 60;

/** Every harmless text of the corpus. The same seed gives the same texts. */
export function harmlessTexts(seed = 1): Harmless[] {
  const random = new Random(seed);
  const fill = (line: string) =>
    line
      .replace('HEXUPPER40', random.text('0123456789ABCDEF', 40))
      .replace('HEX64', random.text(HEX, 64))
      .replace('SHA', random.text(HEX, 40))
      .replace('BASE64', `iVBORw0KGgo${random.text(`${ID}+/`, 200)}`)
      .replace('ID22', random.text(ID, 22));
  const code = linesOf(CODE).flatMap((line) => NAMES.map((name) => line.replaceAll('NAME', name)));
  const kinds: [string, string][] = [
    ['pages', PAGES],
    ['styles', STYLES],
    ['settings', SETTINGS],
    ['workflows', WORKFLOWS],
    ['prose', PROSE],
  ];
  return [
    ...Array.from({ length: CODE_TEXTS }, (_, index) =>
      text('code', code[Math.floor((index * code.length) / CODE_TEXTS)] as string),
    ),
    ...kinds.flatMap(([kind, lines]) => linesOf(lines).map((line) => text(kind, fill(line)))),
    // The same lines as a file of several.
    ...kinds.flatMap(([kind, lines]) => inFours(linesOf(lines).map(fill)).map((four) => text(kind, four))),
    ...TRANSLATIONS.map((value) => json('translations', value)),
    ...TRANSLATIONS.map((value) => text('translations', JSON.stringify(value, null, 2).slice(2, -2))),
    ...LANGUAGE.map((value) => json('language', value)),
    ...LANGUAGE.map((value) => text('language', `see ${JSON.stringify(value)} here`)),
    ...DOCUMENTS.map((value) => json('documents', value)),
    ...Array.from({ length: ID_TEXTS }, (_, index) =>
      text('ids', (IDS[index % IDS.length] as (random: Random) => string)(random)),
    ),
  ];
}

function inFours(lines: readonly string[]): string[] {
  const fours: string[] = [];
  for (let at = 0; at < lines.length; at += 4) fours.push(lines.slice(at, at + 4).join('\n'));
  return fours;
}
