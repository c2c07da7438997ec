/** The two tables of `npm run bench -- --peers`: what each package adds to one call, and to a stream of 500 chunks. */
import { fork } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { figure } from '../measure.js';
import { installPeers, PEERS, versionOf } from './packages.js';
import type { Added } from './play.js';

const KINDS = { call: 'one call', stream: 'a stream of 500 chunks' };

function play(name: string, kind: string, folder: string): Promise<Added> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('./play.js', import.meta.url)), [name, kind, folder], {
      execArgv: ['--expose-gc'],
    });
    let added: Added | undefined;
    child.on('message', (message) => {
      added = message as Added;
    });
    child.on('error', reject);
    child.on('exit', (code) => (added && code === 0 ? resolve(added) : reject(new Error(`${name}: exit ${code}`))));
  });
}

/** Prints the tables. Each package is measured in a process of its own, beside the same hand-written span. */
export async function printPeers(): Promise<void> {
  const folder = await installPeers();
  for (const [kind, what] of Object.entries(KINDS)) {
    const rows: { name: string; added: number }[] = [];
    const byHand: number[] = [];
    for (const name of ['runtrace', ...Object.keys(PEERS)]) {
      const measured = await play(name, kind, folder);
      if (measured.spans === 0) throw new Error(`${name} made no span`);
      byHand.push(measured.byHand);
      const title = name === 'runtrace' ? name : `${name} ${versionOf(name, folder)}`;
      rows.push({ name: title, added: measured.added });
    }
    const floor = figure(byHand).median;
    rows.push({ name: 'by hand', added: floor });
    console.log(`| added to ${what} | us | x by hand |\n|---|---|---|`);
    for (const { name, added } of rows.sort((a, b) => a.added - b.added)) {
      console.log(`| ${name} | ${added.toFixed(0)} | ${(added / floor).toFixed(1)} |`);
    }
    console.log('');
  }
  console.log(
    `openai ${versionOf('openai', folder)}, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`,
  );
  rmSync(folder, { recursive: true, force: true });
}
