import { isMadeOfWords, isMixed } from '../keys/randomness.js';
import { readsAsName, readsAsSentence, readsAsWords } from '../keys/words.js';
import { isSecretLike } from './words.js';

const KEYWORD =
  /^(?:await|new|typeof|not|yield|return|async|function|lambda|fn|func|if|mut|ref|dyn|impl|unsafe|throw|delete|void|const|let|var|match|switch|case)\b\s*/;
/** A name that something is read from, called, indexed or instantiated: `req.body`, `next(`, `os.environ[`, `Optional[`, `Vec<`. */
const ACCESS = /^[&*!-]*(?:'\w+ )?[A-Za-z_$@][\w$]*[!?]?(?:\?\.|\.|->|::|[([<])/;
const HAS_DIGIT = /\d/;
/** `api_keys_1.ApiKeyError` */
const DOTTED = /^[A-Za-z_$]{3,}\d{0,2}(?:\.[A-Za-z_$]{3,}\d{0,2})+;?$/;
/** Characters in places where no access to a member has them: `a.f$ACJO#qj`, `Ust_.arwd!h`. */
const UNCODELIKE = /[#%^~]|.@|[A-Za-z0-9]\$|[A-Za-z0-9]![A-Za-z0-9]/;
const NUMBER = /^\d{1,4}$/;
const OPERATOR = /[|&?,;=+]/;
const NAMES = /[A-Za-z_$][\w$]*/g;
const IDENTIFIER = /^[&*!]?[A-Za-z_$][A-Za-z_$]*[;,?):]{0,3}$/;
const IMPORTED = /^!(?:Ref|Sub|GetAtt|ImportValue|secret|vault|env\w*|reference|[A-Z]\w*)$/;
const PATH = /^(?:\.{0,2}|~|[A-Za-z]:)[\\/][\w.\\/@ -]*$/;
const FIRST_FOLDER = /[\w.@ -]+/;

const TYPES = /^[A-Za-z_$][\w$.]*(?: \| [A-Za-z_$][\w$.]*)+;?$/;

/** Reads a variable of the environment, of any name: `process.env.MYSQL_PASSWORD!`. */
const ENVIRONMENT =
  /^(?:process\.env|import\.meta\.env|Deno\.env|Bun\.env|os\.environ|os\.[Gg]etenv|System\.getenv)(?:\.|\?\.|[[(])/;

/** The function `url => {`. */
const FUNCTION = /^([A-Za-z_$]{1,40}) =>(?:\s|$)/;

/** Whether a value is an expression of code that the real value comes from. Its names are words; random ones are none. */
export function isExpression(value: string): boolean {
  if (ENVIRONMENT.test(value)) return true;
  const parameter = FUNCTION.exec(value)?.[1];
  if (parameter !== undefined) return readsAsWords(parameter);
  const code = value.replace(KEYWORD, '');
  if (code !== value || ACCESS.test(value) || value[0] === '(') {
    // A password may begin like an expression: `ywYr.Q+.tiXQT7`. Names of code are mixed too, but have few digits: `getGitHubToken()`.
    return !(HAS_DIGIT.test(value) && isMixed(value, 0, value.length)) && isCode(code);
  }
  return (IMPORTED.test(value) && readsAsWords(value)) || TYPES.test(value);
}

/** Whether the names in the first word are words, and none of the words after it is what only a secret is. */
function isCode(code: string): boolean {
  const [first = '', ...others] = code.split(/\s+/);
  if (UNCODELIKE.test(first) || others.some(isSecretLike)) return false;
  if (/[([{<]/.test(first)) return (first.match(NAMES) ?? []).every(readsAsName);
  return readsAsWords(first) && first.split(OPERATOR).every(isOperand);
}

function isOperand(operand: string): boolean {
  return !HAS_DIGIT.test(operand) || NUMBER.test(operand) || DOTTED.test(operand);
}

/** `IToken`, an interface. */
const INTERFACE = /^I(?=[A-Z][a-z])/;

/** Whether a value is a name of code, of letters only. */
export function isIdentifier(value: string): boolean {
  return IDENTIFIER.test(value) && readsAsWords(value.replace(INTERFACE, ''));
}

/** Whether a value is a path of a file, made of words. */
export function isPath(value: string): boolean {
  return (
    PATH.test(value) && isMadeOfWords(value, 0, value.length) && readsAsSentence(FIRST_FOLDER.exec(value)?.[0] ?? '')
  );
}
