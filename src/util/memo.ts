/** Answers of pure functions that are asked for the same few texts again and again. */

const MAX_REMEMBERED = 64;

/** Longer texts are not kept only to be remembered, in characters. */
const LONGEST_REMEMBERED = 1024;

/** `fn` with its last answers remembered. */
export function remembered<T>(fn: (text: string) => T): (text: string) => T {
  const answers = new Map<string, T>();
  return (text) => {
    const known = answers.get(text);
    if (known !== undefined) return known;
    const answer = fn(text);
    if (text.length > LONGEST_REMEMBERED) return answer;
    if (answers.size === MAX_REMEMBERED) answers.clear();
    answers.set(text, answer);
    return answer;
  };
}

/** `fn` with its last answer for each name remembered. */
export function lastRemembered(fn: (name: string, value: string) => string): (name: string, value: string) => string {
  const last = new Map<string, { value: string; answer: string }>();
  return (name, value) => {
    const known = last.get(name);
    if (known?.value === value) return known.answer;
    const answer = fn(name, value);
    if (value.length > LONGEST_REMEMBERED || name.length > LONGEST_REMEMBERED) return answer;
    if (last.size === MAX_REMEMBERED) last.clear();
    last.set(name, { value, answer });
    return answer;
  };
}
