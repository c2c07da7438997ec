/** Passwords that commands take by an option whose name does not say so: `mysql -px`, `docker login -p x`, `keytool -storepass x`. */
import type { Edit } from '../../edits.js';
import { addPassword } from './password.js';

const VALUE = String.raw`["']?([^\s"'\x60]{3,200})`;
const USER = String.raw`["']?[\w.@+-]{1,80}:["']?([^\s"'\x60]{3,200})`;
const BEFORE = String.raw`(?:^|[\s;|&(/\x60$])`;
const COOKIE = String.raw`["']?[\w-]{1,60}=([^\s"'\x60;]{3,400})`;
const LOGINS = String.raw`sshpass|twine|mongo\w*|psexec\w*|rabbitmqadmin|ncftp\w*|snowsql|cqlsh|beeline|(?:docker|podman|nerdctl|skopeo|buildah|oras|crane|az|helm)\b[^\n|;&]*\blogin`;
const ARGUMENTS = String.raw`\b[^\n|;&]*$`;

/** An option with its value, and the commands in which the value is a password; in any command, if none is named. */
type Option = readonly [option: RegExp, command?: RegExp];

/** By the code of the character behind the hyphen. */
const OPTIONS = /* @__PURE__ */ optionsByCode();

function optionsByCode(): readonly (readonly Option[] | undefined)[] {
  const byCode = new Array<readonly Option[] | undefined>(128).fill(undefined);
  for (const [character, list] of options()) byCode[character.charCodeAt(0)] = list;
  return byCode;
}

function options(): [string, readonly Option[]][] {
  return [
    [
      '-',
      [
        [optionOf(`--(?:proxy-)?user[ \\t=]{1,4}${USER}`)],
        [optionOf(`--auth[ \\t=]{1,4}${USER}`), command('https?|xh')],
        [optionOf(`--value[ \\t=]{1,4}${VALUE}`), command('az\\b[^\\n|;&]*\\bsecret|aws\\b[^\\n|;&]*\\bSecureString')],
      ],
    ],
    // A user with a colon behind it is nothing else in other commands than curl either.
    [
      'u',
      [
        [optionOf(`-u[ \\t=]{1,4}${USER}`)],
        [optionOf(`-u${USER}`), command('curl')],
        [optionOf(`-u[ \\t]{1,4}["']?[\\w.@+-]{1,80},${VALUE}`), command('lftp')],
      ],
    ],
    ['U', [[optionOf(`-U[ \\t]{0,4}["']?[\\w.\\\\/-]{1,80}%${VALUE}`), command('smb\\w+|rpcclient|net')]]],
    ['s', [[optionOf(`-s(?:torepass|rcstorepass)[ \\t]{1,4}${VALUE}`), command('keytool|jarsigner')]]],
    [
      'p',
      [
        [optionOf(`-p[ \\t]{0,4}${VALUE}`), command(LOGINS)],
        [optionOf(`-p${VALUE}`), command('mysql\\w*|mariadb\\w*|7z[ar]?|(?:un)?rar')],
      ],
    ],
    [
      'P',
      [
        [optionOf(`-P[ \\t]{1,4}${VALUE}`), command('(?:un)?zip|sqlcmd|bcp')],
        [optionOf(`-P${VALUE}`), command('sqlcmd|bcp')],
      ],
    ],
    [
      'a',
      [
        [optionOf(`-a[ \\t]{1,4}${USER}`), command('https?|xh')],
        [optionOf(`-a[ \\t]{1,4}${VALUE}`), command('redis-cli')],
      ],
    ],
    ['w', [[optionOf(`-w[ \\t]{1,4}${VALUE}`), command('ldap\\w+')]]],
    [
      'k',
      [
        [optionOf(`-k[ \\t]{1,4}${VALUE}`), command('openssl')],
        [optionOf(`-keypass[ \\t]{1,4}${VALUE}`), command('keytool|jarsigner')],
      ],
    ],
    ['n', [[optionOf(`-n\\w{0,4}[ \\t]{1,4}\\S{1,80}[ \\t]{1,4}${VALUE}`), command('htpasswd')]]],
    [
      'b',
      [
        [optionOf(`-b[ \\t]{1,4}${COOKIE}`), command('curl')],
        [optionOf(`-b[ \\t]{1,4}${VALUE}`), command('gh secret set')],
        [optionOf(`-b\\w{0,4}[ \\t]{1,4}\\S{1,200}[ \\t]{1,4}\\S{1,80}[ \\t]{1,4}${VALUE}`), command('htpasswd')],
      ],
    ],
  ];
}

function optionOf(source: string): RegExp {
  return new RegExp(source, 'y');
}

function command(names: string): RegExp {
  return new RegExp(`${BEFORE}(?:${names})${ARGUMENTS}`);
}

const LONGEST_BEFORE = 200;
const SPACE = 32;
const BLANK_BEFORE = /\s/;

/** Adds an edit for the password behind the option at `at`, if there is one. */
export function findInCommand(text: string, at: number, edits: Edit[]): void {
  const options = OPTIONS[text.charCodeAt(at + 1)];
  if (!options || (at > 0 && text.charCodeAt(at - 1) !== SPACE && !BLANK_BEFORE.test(text.charAt(at - 1)))) return;
  let before: string | undefined;
  for (const [option, command] of options) {
    option.lastIndex = at;
    const match = option.exec(text);
    if (!match) continue;
    if (command) {
      before ??= text.slice(Math.max(0, at - LONGEST_BEFORE), at);
      if (!command.test(before)) continue;
    }
    const value = match[1] ?? '';
    const end = at + match[0].length;
    addPassword(end - value.length, value, edits);
    return;
  }
}
