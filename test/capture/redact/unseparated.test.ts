import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRedactor } from '../../../src/capture/redact/redactor.js';

const redactor = createRedactor();

/** Values of the kinds that people and programs make; `%%` in a text below stands for each of them. */
const VALUES = [
  'kJ8sLq2Zx9Tb4Wm1',
  '3fa9c1d27be84f6097ad1c55e2b08f3d',
  'wJ4lrX/Utn+FE3K7MDENGbPx9fiCY2Zk8Qa=',
  'qT7v#Lm2pX$9',
  'Winter2026!',
];

const WITHOUT_SEPARATOR = [
  'ENV DB_PASSWORD %%',
  'setenv API_KEY %%',
  'set -gx client_secret "%%"',
  'setx ACCESS_TOKEN "%%"',
  'machine a.example login alice password %%',
  'machine a.example\n  login alice\n  password %%\n',
  '#define API_KEY "%%"',
  '(defvar api-key "%%")',
  'config.setProperty("password", "%%");',
  'map.put("api_key", "%%")',
  "define('DB_PASSWORD', '%%');",
  'os.getenv("CLIENT_SECRET", "%%")',
  'api_key <- "%%"',
  "ALTER USER a WITH PASSWORD '%%';",
  'ConvertTo-SecureString "%%" -AsPlainText -Force',
  "ConvertTo-SecureString -String '%%' -AsPlainText",
  'Connect-Thing -Password "%%" -Force',
  'gh secret set API_KEY --body "%%"',
  'aws ssm put-parameter --name /app/api_key --value "%%"',
  'password - %%',
  '- **API key** - %%',
  'password – %%',
  'password -> %%',
  'access_token → %%',
  'password|%%',
  'API key:\n%%\n',
  'Password:\n\n%%\n',
  '### Client secret\n\n%%\n',
  'client_secret:\n```\n%%\n```\n',
  'password:\n  %%\n',
  'api_keys:\n  - a\napi_key:\n  - %%\n',
  'the password is %%',
  'The API key is "%%".',
  'my token is `%%`',
  'please set the password to %%',
  'log in with password %%',
  '<tr><td>password</td><td>%%</td></tr>',
  '<dt>Client secret</dt><dd>%%</dd>',
  '<key>apiKey</key>\n\t<string>%%</string>',
  '<property>\n  <name>db.password</name>\n  <value>%%</value>\n</property>',
  '{&quot;password&quot;: &quot;%%&quot;}',
  '{&#34;api_key&#34;:&#34;%%&#34;}',
];

const WITH_SEPARATOR = [
  'user,password\nalice,%%\n',
  '"user","password"\n"alice","%%"\n"bob","%%"\n',
  'user\tapi_key\nalice\t%%\n',
  'id;password;mail\n1;%%;a@example.com\n',
  '"1","{""api_key"": ""%%""}"',
  'char password[] = "%%";',
  'char password[32] = "%%";',
  'Dim password As String = "%%"',
  'val password: String = """%%"""',
  "CREATE LOGIN a WITH PASSWORD = N'%%';",
  'variable "db_password" {\n  type    = string\n  default = "%%"\n}',
  '<password><![CDATA[%%]]></password>',
  'ParameterKey=DbPassword,ParameterValue=%%',
  'env: {"Key":"API_KEY","Value":"%%"} end',
  '_auth=%%',
  'Mot de passe : %%',
  'mot de passe: %%',
  'Kennwort: %%',
  'Senha: %%',
  'Wachtwoord: %%',
  'Heslo: %%',
  'Adgangskode: %%',
  'Passord: %%',
  'Salasana: %%',
  'Jelszó: %%',
  'Parolă: %%',
  'Kata sandi: %%',
  'Κωδικός: %%',
  '密码是 %%',
  'パスワードは%%です',
  'Пароль — %%',
  '; passwords=--cookie = "%%"',
];

const COMMANDS = [
  'curl -uadmin:%% https://a.example',
  'curl -b "session=%%" https://a.example',
  'docker login -u a -p %% registry.example',
  'sshpass -p %% ssh a@b',
  "sshpass -p '%%' ssh a@b",
  'mysql -u root -p%% db',
  'redis-cli -h a -a %% ping',
  'ldapsearch -D cn=a -w %% -b dc=x',
  'zip -P %% a.zip b',
  '7z x -p%% a.7z',
  'openssl enc -aes-256-cbc -k %% -in a',
  'htpasswd -b .htpasswd a %%',
  'http -a admin:%% a.example',
  "CREATE USER a IDENTIFIED BY '%%';",
];

const MANIFEST =
  'apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\ntype: Opaque\ndata:\n  first: UEFTUw==\n  other.txt: "c2Vjb25k"\n---\nkind: ConfigMap\ndata:\n  mode: c2ltcGxl\n';

function assertGone(text: string, value: string): void {
  const kept = redactor.text(text);
  for (let at = 0; at + 8 <= value.length; at++) assert.ok(!kept.includes(value.slice(at, at + 8)), kept);
}

for (const [what, texts] of Object.entries({
  'a value that looks random is replaced behind a name without a separator': WITHOUT_SEPARATOR,
  'a value is replaced in other ways to write names and values': WITH_SEPARATOR,
  'a password is replaced in a command': COMMANDS,
})) {
  describe(what, () => {
    for (const text of texts) {
      test(JSON.stringify(text), () => {
        for (const value of VALUES) {
          const written = text.includes('<') ? value.replaceAll('<', '&lt;') : value;
          assertGone(
            text.replaceAll('%%', () => written),
            written,
          );
          assertGone(`Hello,\nhere it is:\n${text.replaceAll('%%', () => written)}\nThanks!`, written);
        }
      });
    }
  });
}

test('a table is read to its end, and by the names in each of its lines', () => {
  const lines = Array.from({ length: 2500 }, (_, row) => `u${row},Tr0ub4dor%${row}`);
  assert.doesNotMatch(redactor.text(['user,password', ...lines].join('\n')), /Tr0ub4dor/);
  const two = 'user,password\nalice,Tr0ub4dor%1\napi_key,mail\nTr0ub4dor%2,open\n';
  assert.equal(redactor.text(two), 'user,password\nalice,REDACTED\napi_key,mail\nREDACTED,open\n');
});

test('all data of a Secret of Kubernetes is replaced, and none of a ConfigMap', () => {
  assert.equal(redactor.text(MANIFEST), MANIFEST.replace('UEFTUw==', 'REDACTED').replace('c2Vjb25k', 'REDACTED'));
});

for (const hash of [
  '$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy',
  '$apr1$r31HuWXz$7mVnvhZcLk1Kk3YoIY3qP1',
  '$6$rounds=5000$saltstring$KqJWpanXZHKq2BOB43TSaYhEWsQ1Lr5QNyPCDH',
  '$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG',
]) {
  test(`a hash of a password is replaced: ${hash.slice(0, 12)}`, () => {
    assert.equal(redactor.text(`alice:${hash}\n`), 'alice:REDACTED\n');
  });
}

const HARMLESS = [
  'The token is 32 characters long.',
  'The password is base64 encoded, the key is a UUID.',
  'password is SHA256, the secret is HS256-signed',
  'Set the token to null, the password to undefined.',
  'generate a key -t ed25519 or secp256k1 or prime256v1',
  'the key is secp256k1',
  'token base64UrlToUint8Array and b64DecodeUnicode',
  'const token = useRef(null); // token TokenKind2 is the next',
  'api_key, model, temperature\n',
  'password,confirmPassword,email2\n',
  'user,password\nalice,changeme\nbob,your-password\n',
  'token,count\nthe,1204\nof,733\n',
  'id\ttoken\n1\tthe\n2\tquick\n',
  'Password:\n\nIt must have at least 12 characters.\n',
  'API keys\n\nAn API key identifies your project.\n',
  '<td>token</td><td>string</td><td>The token2 of the lexer</td>',
  '<dt>password</dt><dd>8 to 64 characters</dd>',
  'define("token", "string"); t.string("password", 255)',
  'expect(screen.getByLabelText("Password")).toBeInTheDocument()',
  'map.get("token", "default")',
  'docker run -p 8080:80 -e MODE=test app; ssh -p 2222 host; mkdir -p a/b1',
  'psql -p 5432 -U app; mysql -P 3306 -p; tar -p -xzf a.tgz; cp -a src/x1 dst/y2',
  'curl -u "$USER:$PASSWORD" -b cookies.txt https://a.example; docker login -p "$TOKEN" r.example',
  'sshpass -p <password> ssh a@b; redis-cli -a your-password ping',
  'sentry send --user email:alice@example.com --user id:42',
  'sort -k 2,2 -u file1; openssl req -key server2.pem; git commit -a -m "fix"',
  'kind: SecretList\ndata:\n  mode: c2ltcGxl\n',
  'a[]=1&key[]=a&key[]=b',
  'public key - see keys.example.com/v2Keys; foreign key -> users.id2',
  'secret -> secretKeyRef2; token => lexer.next(); token | Token2',
  'secrets/2026-11-27T10:15:30Z.json; token 2026-11-27T10:15:30Z expired',
  'the secret of v1.2.3-rc4 is tested; key 550e8400 in hex',
  '密码是什么？パスワードは8文字以上です。',
  'Пароль — это секретное слово.',
  'Mot de passe : doit contenir au moins 8 caractères',
  'Kennwort: muss mindestens 8 Zeichen haben',
];

describe('what stands behind such a name and is no secret stays', () => {
  for (const text of HARMLESS) {
    test(JSON.stringify(text), () => {
      assert.equal(redactor.text(text), text);
    });
  }
});
