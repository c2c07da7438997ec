const QUOTE = 34;
const BACKSLASH = 92;

/** How far a string is searched character by character after an escape: JSON inside of a string has one every few characters. */
const NEAR = 32;

/** After the closing quote of the JSON string that begins at `start`; -1 if there is none. */
export function stringEnd(json: string, start: number): number {
  let at = json.indexOf('"', start + 1);
  while (at !== -1 && isEscaped(json, at)) {
    at++;
    for (let near = at + NEAR; at < near; ) {
      const code = json.charCodeAt(at);
      if (code === QUOTE) return at + 1;
      if (code === BACKSLASH) {
        at += 2;
        near = at + NEAR;
      } else at++;
    }
    at = json.indexOf('"', at);
  }
  return at === -1 ? -1 : at + 1;
}

/** Whether the character at `at` is escaped: after an odd number of backslashes. */
function isEscaped(json: string, at: number): boolean {
  let first = at;
  while (json.charCodeAt(first - 1) === BACKSLASH) first--;
  return (at - first) % 2 === 1;
}
