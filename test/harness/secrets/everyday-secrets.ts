import { findLeak, type Input } from '../fuzz/fuzz.js';
import { Random } from '../fuzz/random.js';

/** A secret as people and programs write it, made anew for each seed. */
export interface EverydaySecret {
  readonly kind: string;
  readonly form: string;
  readonly input: Input;
  /** What must not remain. */
  readonly value: string;
}

const UPPER = 'ABCDEFGHJKLMNPQRSTUVWXYZ';
const LOWER = 'abcdefghijkmnopqrstuvwxyz';
const DIGITS = '0123456789';
const ALNUM = UPPER + LOWER + DIGITS;
const WORDS = 'copper violet anchor meadow lantern harvest pebble saddle thunder walnut crystal marble'.split(' ');

const random =
  (length: number, alphabet = ALNUM) =>
  (r: Random) =>
    r.text(alphabet, length);
const word = (r: Random) => r.pick(WORDS);
const capital = (r: Random) => word(r).replace(/^./, (letter) => letter.toUpperCase());

/** What `%x` in a form stands for. */
const VALUES: Readonly<Record<string, (random: Random) => string>> = {
  // A generated key, a key in hex, base64 of 32 bytes, a generated password with marks.
  r: random(24),
  h: random(40, `${DIGITS}abcdef`),
  b: (r) => `${r.text(`${ALNUM}+/`, 43)}=`,
  m: (r) => `${r.text(ALNUM, 5)}${r.pick(['!', '$', '^', '*'])}${r.text(ALNUM, 4)}#${r.text(ALNUM, 4)}`,
  // A password that a human chose, and a passphrase.
  p: (r) => `${capital(r)}${r.text(DIGITS, 4)}${r.pick(['!', '?', '#', '$'])}`,
  w: (r) => `${word(r)} ${word(r)} ${word(r)} ${word(r)}`,
};

/** Forms whose value is `%x`, or `%40x` for so many characters. A form is a text, unless it begins with a content type or a place. */
const FORMS: Readonly<Record<string, readonly string[]>> = {
  'keys of known formats': [
    'pip install fails, here is my token: xai-%80r',
    'I exported gsk_%52r and it says 401',
    'r8_%37r is what Replicate gave me',
    'hf_%34r (read only)',
    'use pplx-%48r, not the old one',
    'nvapi-%64r',
    'the search needs tvly-dev-%32r I think',
    'sk-or-v1-%64h from OpenRouter',
    'sk-ant-admin01-%93r-%6rAA',
    'glpat-%20r was created by bob',
    'remote: https://oauth2:glpat-%20r@gitlab.example.com/a/b.git',
    'SG.%22r.%43r from SendGrid',
    'xoxb-%12d-%13d-%24r posted it',
    'whsec_%32r',
    'pul-%40h is for Pulumi',
    'lin_api_%40r opens Linear',
    'figd_%40r',
    'dckr_pat_%27r',
    're_%8r_%24r for Resend',
    'hvs.%95r is what Vault printed',
    'dapi%32h on Databricks',
    'rk_live_%24r on the invoice',
    'shpat_%32h',
    'ntn_%11d%35r for Notion',
    'ATATT3xFfGF0%160r=%8H',
    'https://hooks.slack.com/services/T%8U/B%8U/%24r',
    'https://discord.com/api/webhooks/%18d/%68r',
  ],
  'assignments and settings': [
    'export STRIPE_API_KEY=%r',
    'DB_PASS=%p',
    'MYSQL_ROOT_PASSWORD: %p',
    'spring.datasource.password=%m',
    'redis.requirepass %r',
    'SECRET_KEY = "%m"',
    "SECRET_KEY_BASE='%64h'",
    'const apiKey = "%r";',
    'private static final String API_SECRET = "%r";',
    'var password = @"%m";',
    "$config['db']['password'] = '%p';",
    "define('DB_PASSWORD', '%m');",
    'config.api_key = "%r"',
    'api_key: %r # rotate me',
    'let token: &str = "%h";',
    'val clientSecret = "%r"',
    '@password = "%p"',
    'setx OPENAI_KEY "%r"',
    '$env:API_TOKEN = "%r"',
    'set -x GITHUB_TOKEN %r',
    'ENV NPM_TOKEN=%h',
    'ARG DB_PASSWORD=%p',
    '[default]\naws_secret_access_key = %40r',
    'machine api.example.com login bob password %m',
    '//registry.npmjs.org/:_authToken=%h',
    '//npm.example.com/:_password="%b"',
    'encryption-key=%b',
    'jwt_signing_key: "%b"',
    'signing_secret=%h',
    'passphrase = "%w"',
    'variable "db_password" {\n  default = "%m"\n}',
    'admin_password = "%p"',
    '<add key="ApiKey" value="%r" />',
    '<property name="password" value="%p"/>',
    '<password>%p</password>',
    '"ConnectionString": "Server=db;User Id=sa;Password=%p;"',
    'AccountName=shop;AccountKey=%b;EndpointSuffix=core.windows.net',
    'DATABASE_URL=postgres://shop:%r@db.internal:5432/shop',
    'amqp://guest:%p@mq:5672/',
    'mongodb+srv://root:%r@cluster0.example.net/?retryWrites=true',
    'redis://:%r@cache:6379/0',
  ],
  'fallbacks and defaults in code': [
    "const key = process.env.API_KEY || '%r';",
    "const password = process.env.DB_PASSWORD ?? '%m';",
    'api_key = os.environ.get("API_KEY", "%r")',
    "token = ENV.fetch('TOKEN') { '%r' }",
    "password = ENV['PASSWORD'] || '%m'",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: code of a shell
    'SECRET="${SECRET:-%r}"',
    'secret := getenvOr("JWT_SECRET", "%h")',
    "jwt: { secret: process.env.JWT_SECRET || '%h' }",
    'apiKey = opts.apiKey or "%r"',
    "const { token = '%r' } = options;",
    'def connect(password="%m"):',
    'function login(user, token = "%r") {}',
    'String pw = System.getenv("PW") != null ? System.getenv("PW") : "%m";',
    "secretKey: config.get('secret') || '%r',",
  ],
  'JSON, as a body': [
    'application/json {"api_key":"%r"}',
    'application/json {"auth":{"user":"bob","password":"%p"}}',
    'application/json {"env":[{"name":"DB_PASSWORD","value":"%p"}]}',
    'application/json {"messages":[{"role":"user","content":"my password is %m, why does it fail?"}]}',
    'application/json {"headers":{"x-api-key":"%r"}}',
    'application/json {"headers":[["authorization","Bearer %r"]]}',
    'application/json {"tool_calls":[{"function":{"arguments":"{\\"token\\":\\"%r\\"}"}}]}',
    'application/json {"client_id":"web","client_secret":"%r","grant_type":"client_credentials"}',
    'application/json {"refresh_token":"%h"}',
    'application/json {"webhook":{"signingSecret":"%h"}}',
    'application/json {"private_key":"%b"}',
    'application/json {"credentials":{"username":"a","pass":"%m"}}',
    'application/json {"secrets":{"stripe":"%r"}}',
    'application/json {"passwords":["%m","%m"]}',
    'application/json {"cookie":"sid=%r; theme=dark"}',
    'application/json {"key":"STRIPE_KEY","value":"%r"}',
    'application/json {"mcpServers":{"github":{"env":{"GITHUB_PERSONAL_ACCESS_TOKEN":"%h"}}}}',
    'application/json {"args":["--token","%r"]}',
    'application/json {"command":"curl -H \\"X-Auth-Token: %r\\" https://a.example"}',
    'application/json {"code":"client = Client(api_key=\\"%r\\")"}',
  ],
  'other bodies': [
    'application/x-www-form-urlencoded grant_type=password&username=bob&password=%r',
    'application/x-www-form-urlencoded client_assertion=%h&client_id=web',
    'text/event-stream data: {"delta":{"content":"The API key: %r"}}\n\n',
    'application/x-ndjson {"log":"started"}\n{"log":"token=%r"}\n',
    'application/xml <login><user>bob</user><password>%p</password></login>',
    'text/html <input type="hidden" name="csrf_token" value="%r">',
    'text/plain Your one-time password: %r',
    'text/csv user,password\nbob,%p\n',
  ],
  'chat and mail': [
    'My password is %m and it does not work',
    'the api key is %r btw',
    'Here is the token you asked for:\n%r',
    'pw: %p',
    'PASSWORD - %m',
    'passwd is %m',
    'user: bob / pass: %p',
    'login bob, password %m',
    'key=%r works, the other one does not',
    'Wifi password: %w',
    '- Passphrase: %w',
    '**API Key**: `%r`',
    '**Password:** %p',
    '__Token:__ %r',
    'API key → %r',
    'password:: %p',
    'Password is: %p',
    'password "%p" was rejected',
    "the secret ('%r') expired",
    '| user | password |\n|---|---|\n| bob | %p |',
    '| Token | %r |',
    '1. Client secret: %r',
    '> token: %r',
    'Username: bob\nPassword: %p',
    'username = bob, password = %m',
    'Access key ID: AKIA%16U\nSecret: %40r',
    'Passwort: %p',
    'Le mot de passe : %p',
    'Contraseña: %p',
    'パスワード：%p',
    '密码: %p',
    'Dear team, the new root password will be %m from Monday.',
    'I changed my password from %m to something else',
    'recovery code: %r',
    'License key: %5U-%5U-%5U-%5U',
  ],
  'names with marks around them': [
    '__API key__ = %r',
    'Passphrase = %w',
    '| password | %w |',
    'seed phrase: %w harvest pebble saddle walnut',
    'Guest Wifi password: %w',
    '**`password`**: %m',
    '<td>Password</td><td>Tr0ub4dor&3%p</td>',
    '<input type=password value=%m>',
    'password ⇒ %m',
    'Password　：　%p',
    'Password:\u00a0%p',
    'Password (do not share): %p',
    'API key [production]: %r',
    'Password?: %m',
    'Password!: %p',
    'master key: %h',
    'deploy key = %r',
    'redirect=https%3A%2F%2Fa.example%2Fcb%26client_secret%3D%r%26scope%3Dall',
    'Connect-Service -User bob -Password %p -Verbose',
    '{"note":"it says \\"--api-key = \\\\\\"%m, and more\\\\\\"\\""} at x',
  ],
  'commands and logs': [
    'curl -H "Authorization: Bearer %r" https://api.example.com',
    "curl -H 'X-API-Key: %r' https://api.example.com",
    'curl --user admin:%r https://api.example.com',
    'curl "https://api.example.com/v1?api_key=%r&x=1"',
    'wget --http-password=%r https://a.example/f',
    'http POST a.example Authorization:"Token %h"',
    'mysql -u root -p%r shop',
    'PGPASSWORD=%r psql -h db',
    'docker run -e API_TOKEN=%r app',
    'kubectl create secret generic db --from-literal=password=%r',
    'helm upgrade app . --set auth.password=%r',
    'gh secret set TOKEN --body "%r"',
    'aws configure set aws_secret_access_key %40r',
    'az login --service-principal -u app -p %r --tenant t',
    'vault kv put secret/app password=%r',
    'openssl enc -aes-256-cbc -k %r -in a',
    'sshpass -p %r ssh root@host',
    'ansible-playbook a.yml -e "db_password=%r"',
    'terraform apply -var="token=%r"',
    'net use Z: \\\\srv\\share /user:bob %m',
    'psql "host=db user=app password=%r"',
    '2024-05-01 12:00:00 DEBUG auth.py:12 token=%r user=bob',
    'level=info msg="login" password=%p ip=10.0.0.1',
    'WARN  Request headers: {authorization=Bearer %r, accept=*/*}',
    'GET /callback?code=%r&state=x 302',
    'Set-Cookie: session=%r; HttpOnly; Path=/',
    'Cookie: a=1; connect.sid=%r',
    'x-amz-security-token: %b',
    "DEBUG headers={'x-api-key': '%r', 'accept': '*/*'}",
    'Error: invalid API key: %r',
    "OperationalError: Access denied for user 'bob' using password '%m'",
    'INFO {"event":"auth","access_token":"%r"}',
    'Config(host=db, password=%r, port=1)',
    'User{name=bob, password=%p}',
    'redis-cli -h cache -a %r ping',
    "ALTER USER bob WITH PASSWORD '%m';",
    "CREATE USER 'bob'@'%' IDENTIFIED BY '%m';",
  ],
  URLs: [
    'url https://api.example.com/v1/chat?key=%r',
    'url https://bob:%r@api.example.com/v1',
    'url https://api.example.com/v1?access_token=%h&a=1',
    'url https://a.example/blob?sv=2022&sig=%43r%3D',
    'url https://a.example/go?next=https%3A%2F%2Fb.example%2F%3Ftoken%3D%r',
    'url https://a.example/s3?X-Amz-Signature=%64h',
    'url https://a.example/reset/password?reset_token=%r',
    'url https://a.example/#access_token=%r&token_type=bearer',
  ],
  headers: [
    'header x-api-key: %r',
    'header authorization: Bearer %r',
    'header proxy-authorization: Basic %b',
    'header cookie: sid=%r',
    'header x-goog-api-key: %r',
    'header x-access-token: %h',
    'header x-webhook-secret: %r',
    'header ocp-apim-subscription-key: %32h',
  ],
  attributes: [
    'attribute app.api_key: %r',
    'attribute db.password: %p',
    'attribute user.note: my token is %r',
    'attribute session_token: %r',
  ],
};

const RUN = /%(\d*)([rhbmpwdUH])/g;
const ALPHABETS: Readonly<Record<string, string>> = {
  r: ALNUM,
  h: `${DIGITS}abcdef`,
  d: DIGITS,
  U: UPPER + DIGITS,
  H: `${DIGITS}ABCDEF`,
};

function inputOf(form: string): Input {
  const head = /^(url|(header|attribute) ([\w.-]+):|(?:application|text)\/[\w-]+) /.exec(form);
  const rest = form.slice(head?.[0].length ?? 0);
  if (!head) return { place: 'text', text: rest };
  if (head[1] === 'url') return { place: 'url', url: rest };
  if (head[2] === 'header' || head[2] === 'attribute') return { place: head[2], name: head[3] as string, value: rest };
  return { place: 'body', contentType: head[1] as string, text: rest };
}

/** Every form once, with values of its own. */
export function everydaySecrets(seed: number): EverydaySecret[] {
  return Object.entries(FORMS).flatMap(([kind, forms]) =>
    forms.map((form, index) => {
      const chance = new Random(seed + index);
      let value = '';
      const text = form.replaceAll(RUN, (_, length: string, name: string) => {
        const made = length ? chance.text(ALPHABETS[name] as string, Number(length)) : VALUES[name]?.(chance);
        // The longest run is the secret: the others are its head or a second one.
        if (made !== undefined && made.length > value.length) value = made;
        return made ?? '';
      });
      return { kind, form, value, input: inputOf(text) };
    }),
  );
}

/** Whether the secret, or a piece of it, is in what was kept. */
export function remains({ value }: EverydaySecret, kept: string): boolean {
  return kept.includes(value) || findLeak(kept, [value]) !== undefined;
}
