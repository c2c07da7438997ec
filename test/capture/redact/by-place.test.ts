import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRedactor } from '../../../src/capture/redact/redactor.js';

const redactor = createRedactor();
const SECRET = 'kX9vq2LmT7pQ4zRw8sBn';

const FORMS = [
  'echo %% | docker login -u ci --password-stdin',
  `printf '%s' '%%' | gh auth login --with-token`,
  'echo "alice:%%" | sudo chpasswd',
  'sudo chpasswd <<< "alice:%%"',
  'docker login -u bob --password-stdin <<EOF\n%%\nEOF',
  'echo %% | sudo -S apt-get update',
  'db.local:5432:shop:app:%%',
  '*:*:*:postgres:%%',
  'sqlplus scott/%%@orcl',
  'jdbc:oracle:thin:app/%%@db:1521:XE',
  'root:%%@tcp(127.0.0.1:3306)/shop',
  'keytool -list -keystore k.jks -storepass "%%"',
  'lftp -u bob,%% sftp://host',
  'http --auth bob:%% https://api.example.com',
  'twine upload -u __token__ -p %% dist/*',
  "const key = process.env.API_KEY || '%%';",
  "const password = options['password'] ?? '%%';",
  "token = ENV.fetch('TOKEN') { '%%' }",
  'setx OPENAI_KEY "%%"',
  'failed to authenticate with key %%',
  'Here is the token you asked for:\n%%',
  'The password was changed to %% yesterday.',
  'recovery code: %%',
  'GET /callback?code=%%&state=x 302',

  `smtp.login("bob@example.com", "%%")`,
  `requests.get(url, auth=('bob', '%%'))`,
  `auth = ('bob', '%%')`,
  'builder.withPassword("%%")',
  `jwt.sign(payload, '%%')`,
  `headers.set('Authorization', '%%')`,
  'var jwtSecret = []byte("%%")',
  `INSERT INTO users (email, password) VALUES ('a', '%%'), ('b', 'x')`,
  `SET PASSWORD FOR 'bob'@'localhost' = PASSWORD('%%');`,
  '<input value="%%" type="password" id="p">',
  '<li><strong>Password:</strong> <code>%%</code></li>',
  'La contraseña es %%',
  'Mon mot de passe est %%',
  'Moje hasło to %%',
  'Пароль от базы: %%',
  '“password”: “%%”',
];

describe('a password at the place of a command, a call or a statement is redacted', () => {
  for (const form of FORMS) {
    it(JSON.stringify(form), () => {
      const text = form.replaceAll('%%', SECRET);
      assert.ok(!redactor.text(text).includes(SECRET), redactor.text(text));
      assert.ok(!JSON.stringify(redactor.json({ content: text })).includes(SECRET));
    });
  }
});

const HARMLESS = [
  'echo "$TOKEN" | docker login --password-stdin',
  'docker login -u "$USER" --password-stdin < token.txt',
  '10.0.0.3:8080:ready:true:200',
  'mailto:bob99@example.com',
  'npm:lodash@4.17.21',
  'const hashed = await bcrypt.hash(password, 10);',
  'cursor.execute("INSERT INTO t (user, password) VALUES (%s, %s)", (u, p))',
  'La clave es la paciencia.',
  "process.env.SECRET_KEY || 'development'",
  'parser.add_argument("--token", help="the token of the account")',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: code of a shell
  'API_KEY="${API_KEY:?set it in your environment}"',
  '"password": { "type": "string", "minLength": 8 }',
  'Secrets: see [Managing secrets](./secrets.md)',
  'Authorization: Bearer eyJ...',
  "const STORAGE_KEY = 'user-settings-v2';",
  'cache key 3f786850e387550fdab836ed7e6dc881de23001b',
  'GET /page?code=404',
  'token: %TOKEN%',
  '비밀번호를 잊어버렸어요.',
];

describe('a text that only reads like one stays', () => {
  for (const text of HARMLESS) it(JSON.stringify(text), () => assert.equal(redactor.text(text), text));
});
