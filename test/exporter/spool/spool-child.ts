/** A process, or a thread, that is stopped while it writes one file of the spool and sends another. Not a test. */

import { readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort } from 'node:worker_threads';
import { Spool } from '../../../src/exporter/spool/spool.js';
import { endedSpans } from '../../support/spans.js';

const directory = process.argv[2] as string;
const spool = new Spool({ directory }, () => {});
await spool.write(endedSpans(3));
await spool.take();
const [name] = readdirSync(directory) as [string];
renameSync(join(directory, name), join(directory, name.replace('.sending-', '.writing-')));
await spool.write(endedSpans(2));
await spool.take();
process.send?.('ready');
parentPort?.postMessage('ready');
setInterval(() => {}, 1000);
