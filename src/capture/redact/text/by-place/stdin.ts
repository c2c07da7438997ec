/** Passwords that commands read from their input: `echo x | docker login --password-stdin`, `chpasswd <<< "a:x"`. */
import type { Edit } from '../../edits.js';
import { addPassword } from './password.js';

/** The commands and options that read a password, and `sudo -S`. */
const READERS =
  'chpasswd|s?passwd|smbpasswd|kinit|--pass(?:word|phrase)?-?stdin|--with-token|--stdin|--data-file=-|--passphrase-fd';
const SUDO = String.raw`sudo(?:[ \t]+-\w+){0,3}[ \t]+-\w*S\b`;
const READER_BEHIND = /* @__PURE__ */ new RegExp(
  String.raw`\|[ \t]{0,8}(?:\\?\r?\n[ \t]{0,40})?(?:${SUDO}|[^\n|;&]{0,200}?(?<![\w-])(?:${READERS})(?![\w-]))`,
  'y',
);
const READER_BEFORE = /* @__PURE__ */ new RegExp(
  String.raw`(?:${SUDO}|(?<![\w-])(?:${READERS})(?![\w-]))[^\n|;&]{0,100}$`,
);
/** What prints a password: the text is the last word, behind a format. */
const PRINTED =
  /(?:^|[\s;&($`])(?:echo|printf|print|Write-Output)(?:[ \t]+-\w+){0,2}(?:[ \t]+["']?%s(?:\\n)?["']?)?[ \t]+(?:"([^"\n]{3,200})"|'([^'\n]{3,200})'|([^\s"'|]{3,200}))[ \t]*(?:\\?\r?\n[ \t]*)?$/;
const LONGEST_COMMAND = 300;
const HERE_TEXT = /<<<[ \t]{0,4}(?:"([^"\n]{3,200})"|'([^'\n]{3,200})'|([^\s"'<]{3,200}))/y;
const HERE_LINES = /<<-?[ \t]?["']?\w{1,20}["']?\r?\n[ \t]*(\S{3,200})\r?\n/y;

/** Adds an edit for the password that is printed before the bar at `bar`, if the command behind it reads one. */
export function findPiped(text: string, bar: number, edits: Edit[]): void {
  READER_BEHIND.lastIndex = bar;
  if (!READER_BEHIND.test(text)) return;
  const before = text.slice(Math.max(0, bar - LONGEST_COMMAND), bar);
  const match = PRINTED.exec(before);
  const input = match?.[1] ?? match?.[2] ?? match?.[3];
  if (input) addInput(bar - before.length + before.lastIndexOf(input), input, edits);
}

/** Adds an edit for the password in a text that begins with `<<` at `at`, if the command before it reads one. */
export function findHereText(text: string, at: number, edits: Edit[]): void {
  if (!READER_BEFORE.test(text.slice(Math.max(0, at - LONGEST_COMMAND), at))) return;
  for (const form of [HERE_TEXT, HERE_LINES]) {
    form.lastIndex = at;
    const match = form.exec(text);
    const input = match?.[1] ?? match?.[2] ?? match?.[3];
    if (match && input) {
      addInput(at + match[0].lastIndexOf(input), input, edits);
      return;
    }
  }
}

/** `chpasswd` reads lines of a user and a password, `passwd` the same line twice. */
function addInput(start: number, input: string, edits: Edit[]): void {
  let at = start;
  for (const line of input.split('\\n')) {
    const user = /^[\w.-]{1,40}:(?=.)/.exec(line)?.[0].length ?? 0;
    if (line.length > user) addPassword(at + user, line.slice(user), edits);
    at += line.length + 2;
  }
}
