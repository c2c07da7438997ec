/** The whole table: every way with every client, through both ways in, judged. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Provider, startProvider } from '../../../examples/demo/provider.js';
import type { WireFormat } from '../../../examples/demo/wire/format.js';
import type { ClientMaker } from '../../support/clients.js';
import { isLeftToUs, judge } from './judge.js';
import { type Played, playBare } from './play.js';
import { startRecording } from './record.js';
import { clientsOf, doAll, type Extent, modelFor, type Tried, tryAll, waysOf } from './trials.js';
import { WAYS, type Way } from './ways.js';

/** One client, one way, one way in: all that was tried of it. */
export interface Cell {
  readonly way: string;
  readonly client: string;
  readonly wayIn: 'fetch' | 'register';
  /** What is wrong; nothing if all is right. */
  readonly wrong: readonly string[];
  /** Why it is less than one would wish. */
  readonly note?: string | undefined;
}

const LEFT_TO_US = 'the client ends its own span before the call is over, or never; a step of ours has the attempts';

export const CROWD = 'all of them, mixed, at once';

/**
 * Tries everything, and judges it. With `others` all ways are tried too, through the option `fetch` alone: their APIs are `formats`, which the
 * provider speaks beside its own.
 */
export async function fillTable(
  extent: Extent,
  others: readonly ClientMaker[] = [],
  formats: readonly WireFormat[] = [],
): Promise<Cell[]> {
  const provider = await startProvider(formats);
  const makers = [...clientsOf(extent), ...others];
  try {
    const inChild = tryInChild(extent);
    const bare = await playAllBare(provider, makers);
    const byOption = await tryAll(startRecording(provider), extent, true, others);
    const byRegister = await inChild;
    return [...cellsOf('fetch', byOption, bare, makers), ...cellsOf('register', byRegister, bare, clientsOf(extent))];
  } finally {
    await provider.close();
  }
}

async function playAllBare(provider: Provider, makers: readonly ClientMaker[]): Promise<Map<string, Played>> {
  const played = new Map<string, Played>();
  const tasks = makers.flatMap((maker) =>
    waysOf(maker).map((way) => ({
      way,
      work: async () => {
        const model = modelFor(maker, `${way.name} bare`);
        played.set(keyOf(maker.name, way.name), await playBare(way, model, provider, maker));
      },
    })),
  );
  await doAll(tasks);
  return played;
}

async function tryInChild(extent: Extent): Promise<Tried[]> {
  const child = fork(fileURLToPath(new URL('child.js', import.meta.url)), {
    cwd: fileURLToPath(new URL('../../../..', import.meta.url)),
    execArgv: ['--import', 'runtrace/register'],
  });
  const ended = once(child, 'exit');
  child.send(extent);
  const [tried] = (await Promise.race([
    once(child, 'message'),
    ended.then(([code]) => Promise.reject(new Error(`the child process ended with ${code}`))),
  ])) as [Tried[]];
  const [code] = await ended;
  if (code !== 0) throw new Error(`the child process ended with ${code}`);
  return tried;
}

function cellsOf(
  wayIn: Cell['wayIn'],
  tried: readonly Tried[],
  bare: ReadonlyMap<string, Played>,
  makers: readonly ClientMaker[],
): Cell[] {
  const cells: Cell[] = [];
  for (const maker of makers) {
    const judged = tried
      .filter(({ client }) => client === maker.name)
      .map((one) => {
        const { model, explicit, together, recorded } = one;
        const way = WAYS.find(({ name }) => name === one.way) as Way;
        const without = bare.get(keyOf(maker.name, way.name)) as Played;
        const circumstances = { maker, explicit, fetchCalls: without.fetchCalls, threw: without.error !== undefined };
        const expected = way.expected(model, circumstances);
        const wrong = judge({ way, model, maker, explicit, together, bare: without, recorded, expected });
        const note = isLeftToUs({ maker, explicit, recorded }) ? LEFT_TO_US : expected.note;
        return { way: way.name, explicit, together, wrong, note };
      });
    for (const { name: way } of waysOf(maker)) {
      const alone = judged.filter((one) => one.way === way && !one.together);
      const wrong = alone.flatMap(({ explicit, wrong }) =>
        wrong.map((complaint) => `${explicit ? 'in an explicit step: ' : ''}${complaint}`),
      );
      cells.push({ way, client: maker.name, wayIn, wrong, note: alone.find(({ note }) => note)?.note });
    }
    const together = judged.filter((one) => one.together);
    const wrong = together.flatMap(({ way, wrong }) => wrong.map((complaint) => `${way}: ${complaint}`));
    if (together.length > 0) cells.push({ way: CROWD, client: maker.name, wayIn, wrong });
  }
  return cells;
}

const keyOf = (client: string, way: string) => `${client} ${way}`;
