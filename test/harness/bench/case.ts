import { CASES } from './cases.js';

const play = CASES[process.argv[2] ?? ''];
if (!play) throw new TypeError(`no case is called '${process.argv[2]}'`);
process.send?.(await play());
process.disconnect?.();
process.exit(0);
