import { isMadeOfWords, isMixed } from '../keys/randomness.js';

/** A name that something is read from, called, indexed or instantiated: `req.body`, `next(`, `os.environ[`, `Optional[`, `Vec<`. */
const EXPRESSION =
  /^(?:(?:await|new|typeof|not|yield|return|async|function|lambda|fn|func|if|mut|ref|dyn|impl|unsafe|throw|delete|void|const|let|var|match|switch|case)\b|[&*!-]*(?:'\w+ )?[A-Za-z_$@][\w$]*[!?]?(?:\?\.|\.|->|::|[([<]))/;
const HAS_DIGIT = /\d/;
/** `api_keys_1.ApiKeyError` */
const DOTTED = /^[A-Za-z_$]{3,}\d{0,2}(?:\.[A-Za-z_$]{3,}\d{0,2})+;?$/;
/** Characters that no access to a member has: `a.f$ACJO#qj`. */
const UNCODELIKE = /[#%^~]|.@/;
const OPERATOR = /[|&?,;=+]/;
const IDENTIFIER = /^[&*!]?[A-Za-z_$][A-Za-z_$]*[;,?):]{0,3}$/;
const IMPORTED = /^!(?:Ref|Sub|GetAtt|ImportValue|secret|vault|env\w*|reference|[A-Z]\w*)$/;
const PATH = /^(?:\.{0,2}|~|[A-Za-z]:)[\\/][\w.\\/@ -]*$/;

const IN_BRACKETS = /^\([A-Za-z_$.:* ]*/;
const TYPES = /^[A-Za-z_$][\w$.]*(?: \| [A-Za-z_$][\w$.]*)+;?$/;

/** Whether a value is an expression of code that the real value comes from. Its names are words; random ones are none. */
export function isExpression(value: string): boolean {
  const match = EXPRESSION.exec(value);
  if (match) {
    // A password may begin like an expression: `ywYr.Q+.tiXQT7`.
    if (isMixed(value, 0, value.length)) return false;
    const nameEnd = value.search(/[([{]/);
    if (nameEnd === -1) {
      if (UNCODELIKE.test(value)) return false;
      const first = value.split(OPERATOR, 1)[0] ?? '';
      return (!HAS_DIGIT.test(first) || DOTTED.test(first)) && isMadeOfWords(first, 0, first.length);
    }
    return isMadeOfWords(value, 0, nameEnd) || !isMixed(value, 0, nameEnd);
  }
  if (value[0] === '(') {
    return isMadeOfWords(value, 0, IN_BRACKETS.exec(value)?.[0].length ?? 0) && !isMixed(value, 0, value.length);
  }
  return IMPORTED.test(value) || TYPES.test(value);
}

/** Whether a value is a name of code, of letters only. */
export function isIdentifier(value: string): boolean {
  return IDENTIFIER.test(value) && isMadeOfWords(value, 0, value.length);
}

/** Whether a value is a path of a file, made of words. */
export function isPath(value: string): boolean {
  return PATH.test(value) && isMadeOfWords(value, 0, value.length);
}
