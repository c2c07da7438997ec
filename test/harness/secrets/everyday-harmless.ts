import type { Input } from '../fuzz/fuzz.js';
import type { Harmless } from './harmless.js';

/** One text a line, in its kind; `⏎` is a line end. Nothing in them is a secret. */
const TEXTS: Readonly<Record<string, string>> = {
  TypeScript: `
const token = await getToken({ scope: 'read' });
export interface Credentials { username: string; password: string }
const apiKey = useMemo(() => settings.apiKey, [settings]);
if (!password) throw new Error('Password is required');
type Token = { kind: 'number'; value: number } | { kind: 'end' };
const secret = Buffer.from(crypto.randomBytes(32)).toString('base64');
headers: { Authorization: \`Bearer \${session.accessToken}\` }
tokens.push({ type: 'identifier', text: source.slice(start, end) });
const [password, setPassword] = useState('');
expect(screen.getByLabelText('Password')).toBeVisible();
const { data: token, error } = await supabase.auth.getSession();
return jwt.verify(token, publicKey, { algorithms: ['RS256'] });
import { PasswordInput } from '@/components/password-input';
const key = row.original.id; items.map((item) => <Row key={item.id} />);
router.post('/password-reset', requireAuth, passwordController.reset);
const maxTokens = options.maxTokens ?? 4096;
this.password = password; this.token = token ?? null;
switch (token.kind) { case 'plus': return left + right; }
function isSecretKey(key: string): key is SecretKey { return key.startsWith('sk'); }
z.object({ email: z.string().email(), password: z.string().min(8) })
console.log(\`\${score === 1 ? 'PASS' : 'FAIL'}: \${item.input}\`)
const status = isRight ? "Pass" : "Fail";
peekToken<Value>(token: IToken<Value>, position: number = this.position): Promise<Value>
onRedirectToAuthorization: url => {
`,
  Python: `
password = getpass.getpass("Password: ")
api_key = os.environ["OPENAI_API_KEY"]
token = tokenizer.decode(ids[0], skip_special_tokens=True)
def authenticate(username: str, password: str) -> Optional[User]:
self.tokens = [t for t in text.split() if t not in STOP_WORDS]
client = OpenAI(api_key=os.getenv("OPENAI_API_KEY"))
secret = secrets.token_urlsafe(32)
parser.add_argument("--token", help="the token of the account", required=True)
password = serializers.CharField(write_only=True, min_length=8)
hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt())
tokenizer.pad_token = tokenizer.eos_token
for key, value in sorted(counts.items(), key=lambda kv: kv[1]):
assert response.json()["detail"] == "Invalid token"
credentials = service_account.Credentials.from_service_account_file(path)
token_ids = torch.tensor([101, 2023, 2003, 102])
SECRET_KEY = config("SECRET_KEY", cast=str)
if token.pos_ == "VERB" and token.dep_ == "ROOT":
password: str = Field(..., min_length=8, description="The password of the user")
class PasswordResetTokenGenerator(BaseGenerator):
headers = {"Authorization": f"Bearer {token}"}
`,
  'Go, Java, Rust, Ruby, C, SQL': `
token, err := jwt.ParseWithClaims(raw, &Claims{}, keyFunc)
password := r.FormValue("password")
private final PasswordEncoder passwordEncoder;
String token = request.getHeader("Authorization").substring(7);
let token = parser.next_token().ok_or(Error::UnexpectedEnd)?;
user.password = params[:password]
char *password = getenv("PASSWORD");
SELECT id, password_hash FROM users WHERE token = $1;
CREATE TABLE users (id int, password varchar(255) NOT NULL);
ALTER TABLE sessions ADD COLUMN token text;
@Value("\${app.jwt.secret}") private String jwtSecret;
match token { Token::Plus => self.add(), Token::Minus => self.sub(), _ => {} }
if (token == TOKEN_LPAREN) { advance(parser); }
validates :password, presence: true, length: { minimum: 8 }
public record LoginRequest(string Username, string Password);
var secret = await client.GetSecretAsync("database-password");
GRANT SELECT ON ALL TABLES IN SCHEMA public TO reporting;
func (s *Server) validateToken(ctx context.Context, token string) (*User, error) {
const char *secret_name = SECRET_NAMES[i];
password = hasher.hash(password).to_string();
`,
  'shell, CI and containers': `
password: \${{ secrets.DOCKERHUB_PASSWORD }}
GITHUB_TOKEN: \${{ github.token }}
export API_KEY=$(aws ssm get-parameter --name /app/key --query Parameter.Value)
read -s -p "Password: " PASSWORD
curl -H "Authorization: Bearer $TOKEN" "$API_URL/v1/models"
docker login -u "$USER" --password-stdin < password.txt
kubectl create secret generic db --from-env-file=.env
secretKeyRef:⏎  name: database⏎  key: password
env:⏎  - name: DB_PASSWORD⏎    valueFrom:⏎      secretKeyRef: { name: db, key: password }
permissions:⏎  contents: read⏎  id-token: write
echo "::add-mask::$SECRET"
if [ -z "$API_KEY" ]; then echo "API_KEY is not set" >&2; exit 1; fi
API_KEY="\${API_KEY:?set it in your environment}"
key: \${{ runner.os }}-node-\${{ hashFiles('**/package-lock.json') }}
ansible_password: "{{ vault_ansible_password }}"
password = data.aws_secretsmanager_secret_version.db.secret_string
token_endpoint_auth_method: client_secret_basic
volumes:⏎  - secret:/run/secrets⏎secrets:⏎  db_password:⏎    file: ./db_password.txt
PASSWORD_FILE=/run/secrets/db_password
resource "aws_secretsmanager_secret" "db" { name = "production/db/password" }
`,
  documentation: `
Password: must have at least 12 characters, one of them a digit.
Set your API key in the settings, then restart the application.
The token is valid for one hour. Refresh it before it expires.
| Parameter | Type | Description |⏎|---|---|---|⏎| token | string | The token of the session |
**Token:** the smallest unit of text that a model reads.
- password: the password of the user
Replace <YOUR_API_KEY> with the key from your dashboard.
api_key (str, optional): The key. Defaults to the environment variable.
The secret of good bread is time, and the key is patience.
Authentication: Bearer token in the Authorization header.
--password <password>  The password to use. Read from stdin if it is -.
@param {string} token - The token to verify.
Secrets: see [Managing secrets](./secrets.md#rotation).
Key: 1 = very satisfied, 5 = not satisfied at all
Key takeaways: costs fell by 20 %, revenue rose.
The password field accepts Unicode; it is normalized to NFKC.
Click **Forgot password?**, enter your e-mail address, and follow the link.
Note: passwords are hashed with Argon2id and never logged.
Password: required. Username: optional.
Use OPENAI_API_KEY=your-key-here npm start to try it.
# How do I reset my password?
The cookie: is it necessary? Read the policy on cookies: https://a.example/cookies
Tokens per second: 54.2, time to first token: 312 ms
Auth: OAuth 2.0 with PKCE (RFC 7636)
The primary key is (tenant_id, created_at), the foreign key points to tenants.
`,
  logs: `
2024-05-01T12:00:00Z INFO token refreshed user=42 expires_in=3600
WARN password attempt failed for user bob from 10.0.0.5 port 51234 ssh2
[auth] token expired at 2024-05-01T12:00:00.000Z
request_id=req_011CSHoEeqs5C35K2UUqR7Fy model=claude-3-5-sonnet-20241022
prompt_tokens=512 completion_tokens=128 total_tokens=640
ERROR 401 Unauthorized: invalid_api_key
level=warn msg="secret not found" name=database-password namespace=default
GET /api/keys/550e8400-e29b-41d4-a716-446655440000 200 12ms
POST /oauth/token 200 45ms
commit 3f786850e387550fdab836ed7e6dc881de23001b (HEAD -> main)
sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
npm warn deprecated inflight@1.0.6: This module is not supported
    at TokenStream.next (/app/node_modules/parser/lib/token-stream.js:120:15)
CredentialsProviderError: Could not load credentials from any providers
Successfully rotated secret arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf
key "users:42:profile" not found in cache
Warning: Password authentication is deprecated; use keys.
max_tokens: 4096, temperature: 0.7, stop: ["\\n\\n"]
session started: id=8f14e45f-ceea-467f-a8d2-3b2f4b8b7c1e
Deprecated: passing null to parameter #1 ($password) of type string
`,
  'JSON of language and models': `
{"token":"running","lemma":"run","pos":"VERB","tag":"VBG"}
{"tokens":["The","quick","brown","fox"],"ids":[464,2068,7586,21831]}
{"token":"Berlin","label":"B-LOC","score":0.998}
{"usage":{"prompt_tokens":12,"completion_tokens":30,"total_tokens":42}}
{"logprobs":{"content":[{"token":" Hello","logprob":-0.31,"bytes":[32,72]}]}}
{"top_logprobs":[{"token":"Paris","logprob":-0.01},{"token":"London","logprob":-4.2}]}
{"eos_token":"</s>","bos_token":"<s>","pad_token":"[PAD]","unk_token":"<unk>"}
{"secretion":"insulin","organ":"pancreas"}
{"token":"##ing","start":4,"end":7}
{"key":"C minor","tempo":120,"title":"Sonata"}
{"keywords":["password manager","two factor"],"author":"Ada"}
{"special_tokens_map":{"cls_token":"[CLS]","sep_token":"[SEP]"}}
{"next_page_token":"CAUQAA","items":[]}
{"token_count":1532,"truncated":false}
{"token_type":"bearer","expires_in":3600,"scope":"read write"}
`,
  'JSON of applications': `
{"type":"object","properties":{"password":{"type":"string","description":"The password of the user"}},"required":["password"]}
{"name":"reset_password","description":"Resets the password of a user","parameters":{"type":"object"}}
{"error":{"code":"invalid_token","message":"The token has expired"}}
{"password":"","token":null,"secret":false}
{"password":"********","email":"a@example.com"}
{"labels":{"password":"Passwort","username":"Benutzername","forgot":"Passwort vergessen?"}}
{"password_policy":{"min_length":12,"require_digit":true}}
{"auth":{"type":"oauth2","flow":"authorizationCode"}}
{"dependencies":{"jsonwebtoken":"^9.0.2","cookie":"~0.6.0","keytar":"7.9.0"}}
{"api_key":"YOUR_API_KEY"}
{"secretName":"database-credentials","secretNamespace":"production"}
{"id":"chatcmpl-9aBcDeFgHiJkLmNoPqRsTuVwXyZ01","object":"chat.completion"}
{"id":"msg_01XFDUDYJgAACzvnptvVoYEL","type":"message","role":"assistant"}
{"tool_use_id":"toolu_01A09q90qw90lq917835lq9","type":"tool_result"}
{"etag":"33a64df551425fcc55e4d42a148795d9f25f89d4","sha":"9fceb02"}
{"key":"ArrowDown","code":"ArrowDown","ctrlKey":false}
{"primaryKey":"id","foreignKey":"user_id","sortKey":"created_at"}
{"hasPassword":true,"passwordChangedAt":"2024-05-01T12:00:00Z"}
{"authorization":"required","cookies":"accepted"}
{"query":"how to store a password in postgres","hits":12}
{"url":"https://a.example/password/forgot","title":"Forgot password"}
{"pin":"map-pin","icon":"key","color":"#3f51b5"}
`,
  'HTML, CSS and Markdown': `
<label for="password">Password</label><input type="password" id="password" name="password" placeholder="Your password">
<input name="token" type="hidden" value="{{ csrf_token }}">
<a href="/forgot-password">Forgot your password?</a>
<th>Token</th><th>Description</th>
<meta name="keywords" content="password, security, key management">
<button data-key="submit" class="btn-secret-toggle">Show password</button>
.password-strength__bar { width: 40%; color: var(--token-color-danger); }
:root { --token-spacing-large: 24px; --key-color: #00bcd4 }
![Token flow](./images/token-flow.png)
[password]: https://en.wikipedia.org/wiki/Password
## Password
Use \`password\` for the password and \`token\` for the token.
- [x] Rotate the signing key⏎- [ ] Delete the old secret
| Key | Action |⏎|---|---|⏎| Ctrl+C | Copy |⏎| Ctrl+V | Paste |
| Secret | Rotation |⏎|---|---|⏎| database | monthly |
<string name="password_hint">Enter your password</string>
<label>Password: <input type="password"></label>
<p>Token: a piece of a word.</p>
<xs:element name="password" type="xs:string"/>
<code>api_key</code>: your key
`,
  'templates and placeholders': `
API_KEY=<your api key>
API_KEY=xxxxxxxxxxxxxxxx
DB_PASSWORD=changeme
password: "{{ .Values.db.password }}"
token: %TOKEN%
apiKey: \${API_KEY}
secret = var.client_secret
password: !vault |
client_secret: "@Microsoft.KeyVault(SecretUri=https://a.vault.azure.net/secrets/db)"
SECRET_KEY={{ secret_key }}
--from-literal=password="$DB_PASSWORD"
Authorization: Bearer <token>
https://user:password@example.com/
Password=...;
token: "REPLACE_ME"
api-key: env://OPENAI_API_KEY
password = "op://vault/item/password"
OPENAI_API_KEY=sk-...
secret: [hidden]
[% user.password_hash %]
`,
  'talk and prose': `
I forgot my password again, what should I do?
The password is the same as last time, I think.
He kept it secret: his mother was a spy.
What is a token? A token is a piece of text.
My key question: is it worth the money?
The key: listen more than you talk.
Her password was long and easy to remember.
Secret: add a pinch of salt to the coffee.
Is the API key wrong, or is the service down?
Tell me the difference between authentication and authorization.
Please explain the pass: who threw it, and to whom?
They passed: the exam was easier than expected.
Write a story with the title "The Secret Garden".
Das Passwort ist abgelaufen, bitte ändern Sie es.
Le mot de passe est obligatoire.
La contraseña debe tener ocho caracteres.
Password reset instructions were sent to your inbox.
Access token vs. refresh token: which one should I store?
"Open sesame" is the password in the tale of Ali Baba.
The cookie recipe: flour, butter, sugar, two eggs.
`,
  'marks around names': `
interface A { password?: string; apiKey!: string; token?: AuthToken | undefined }
Password (min 8 chars): required
api_key (string, required): The API key of your account
Set-X [-Password] <SecureString> [-ApiKey <String>]
Connect -Token $env:TOKEN -Credential (Get-Credential)
<input type=password value={password}>
redirect_uri%3Dhttps%3A%2F%2Fx%2Fy%26token_type%3Dbearer
password%3D%7Bpassword%7D
master key: see the docs
secret [optional]: string
__key__ = None
password ⇒ hash ⇒ compare
Forgot your password?: click here
-KeyVaultName myvault -SecretName db
const githubToken = getGitHubToken();
const key = { openAIApiKey: this.openAIApiKey, pass: actual === expected }
constraints: { secret: constraint }
export declare function stringifyCookie(cookie: Cookies, options?: StringifyOptions): string;
const ENV_TOKEN = "CO_API_KEY";
fetch(url, { credentials: 'same-origin' })
the file has "application/jwt": { "source": "iana" } in it
Release GPG key: 3ABC01543F22DD2239285CDD818674489FBC127E
{ token: process.env.A2A_WEBHOOK_TOKEN, password: process.env.MYSQL_PASSWORD! }
Wrong password!: try again
| password | The password of the user who logs in |
Password: Minimum Eight Characters
`,
};

/** Texts of everyday work: each should stay as it is. */
export function everydayHarmless(): Harmless[] {
  return Object.entries(TEXTS).flatMap(([kind, lines]) =>
    lines
      .trim()
      .split('\n')
      .map((line): Harmless => {
        const text = line.replaceAll('⏎', '\n');
        const input: Input = kind.startsWith('JSON')
          ? { place: 'body', contentType: 'application/json', text }
          : { place: 'text', text };
        return { kind, input };
      }),
  );
}
