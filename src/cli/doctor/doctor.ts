import { printable, printLine } from '../terminal.js';
import { checkClients, isClient } from './clients.js';
import { checkEndpoint } from './endpoint.js';
import { checkEnvironment } from './environment.js';
import type { Finding } from './finding.js';
import { checkPackages, installedPackages } from './packages.js';

export interface DoctorOptions {
  /** Whether a span may be sent to an endpoint that is not on this machine. */
  send: boolean;
  /** Whether to print JSON. */
  json: boolean;
}

/** The oldest Node.js that runtrace supports. */
const MIN_NODE = [20, 19] as const;

/**
 * Checks the set-up of the project in the current folder. It resolves versions from that folder, loads no code of the application, and
 * prints no value of a header, key or password. Returns the exit code of the process: 1 if anything is wrong.
 */
export async function doctor({ send, json }: DoctorOptions): Promise<number> {
  const project = process.cwd();
  const packages = installedPackages(project, isInteresting);
  const findings = [
    checkNode(process.versions.node),
    ...checkPackages(project, packages),
    ...checkEnvironment(process.env),
    ...(await checkEndpoint(send)),
    ...checkClients(packages),
  ];
  if (json) process.stdout.write(`${JSON.stringify({ findings: findings.map(printableFinding) }, null, 2)}\n`);
  else for (const finding of findings) printFinding(finding);
  return findings.some(({ state }) => state === 'wrong') ? 1 : 0;
}

function isInteresting(name: string): boolean {
  return name.startsWith('@opentelemetry/') || name === 'runtrace' || isClient(name);
}

function checkNode(version: string): Finding {
  const about = 'node';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isNewEnough = major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1]);
  if (isNewEnough) return { about, state: 'ok', text: `Node.js ${version}` };
  return { about, state: 'wrong', text: `Node.js ${version} is too old`, fix: `use ${MIN_NODE.join('.')} or later` };
}

const MARKS = { ok: '✔', note: '·', wrong: '✖' } as const;

function printFinding({ about, state, text, fix }: Finding): void {
  printLine(`${MARKS[state]} ${about.padEnd(11)}  ${text}`);
  if (fix !== undefined) printLine(`${' '.repeat(15)}→ ${fix}`);
}

/** JSON escapes control characters, but not all format characters. */
function printableFinding({ text, ...finding }: Finding): Finding {
  return { ...finding, text: printable(text) };
}
