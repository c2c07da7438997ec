/**
 * `password` and its kin in languages that write them with other letters than `nameKind` reads, where they end before a separator. Words
 * behind them belong to them: `пароль от базы`.
 */
const BEFORE_SEPARATOR =
  /(?:contraseña|senha de acesso|密码|密碼|口令|密钥|金鑰|パスワード|暗証番号|合言葉|비밀번호|암호|парол[ьяюе]|пароли|hasło|şifre|parola|lösenord|jelszó|parolă|zaporka|heslo|κωδικός(?: πρόσβασης)?|סיסמ[הא]|كلمة (?:المرور|السر)|رمز (?:عبور|المرور)|پاسورڈ|पासवर्ड|পাসওয়ার্ড|รหัสผ่าน|mật khẩu|(?:api|geheim|zugangs)[ -]?schlüssel)\p{L}{0,3}(?: \p{L}{1,12}){0,2}[*_~"'`]{0,3}[ \t]*$/iu;
export const LONGEST_FOREIGN = 64;

/** The name at the end of a text: where it begins; -1 if there is none. */
export function foreignNameAtEnd(text: string): number {
  return BEFORE_SEPARATOR.exec(text)?.index ?? -1;
}

/**
 * The same names in the middle of a sentence. None of the letters that tell the first of them is in Latin-1, so V8 need not search a text of
 * Latin letters only.
 */
const WIDE =
  /(?:密码|密碼|口令|パスワード|暗証番号|비밀번호|암호|[Пп]арол[ья]|ПАРОЛЬ|[Hh]asło|[Şş]ifre|[Pp]arolă|סיסמה|كلمة (?:المرور|السر)|رمز عبور|पासवर्ड|รหัสผ่าน|[Mm]ật khẩu|[Κκ]ωδικός)[a-zåäöı]{0,3}/g;

/** Where the next name of another language after `from` ends, if it has letters that are not in Latin-1; -1 if there is none. */
export function nextForeignNameEnd(text: string, from: number): number {
  WIDE.lastIndex = from;
  return WIDE.test(text) ? WIDE.lastIndex : -1;
}
