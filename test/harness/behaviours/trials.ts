/** Every way with every client, through one way in. */

import { CLIENTS, type ClientMaker } from '../../support/clients.js';
import type { Recorded, Recording } from './record.js';
import { WAYS, type Way } from './ways.js';

/** Which part of the table is tried. */
export interface Extent {
  /** Names of clients. */
  readonly clients: readonly string[];
  /** Runs at once with calls of every way in each; none if 0. */
  readonly runs: number;
  readonly callsEach: number;
}

/** One call that was tried. As JSON it goes from the child process to its parent. */
export interface Tried {
  client: string;
  way: string;
  model: string;
  explicit: boolean;
  together: boolean;
  recorded: Recorded;
}

/** Calls that are in flight at once, so that each is as slow as it wants to be, and not as the machine is. */
const AT_ONCE = 16;
/** Of those that move much, or that a clock decides. */
const FEW_AT_ONCE = 4;

export function clientsOf({ clients }: Extent): ClientMaker[] {
  return CLIENTS.filter(({ name }) => clients.includes(name));
}

/** The ways that are tried with a client. */
export function waysOf({ leavesOut = [] }: ClientMaker): Way[] {
  return WAYS.filter(({ name }) => !leavesOut.includes(name));
}

/** The way of the call `index` of run `run`: all of them, mixed, and the same ones each time. */
export function wayInCrowd(run: number, index: number): Way {
  const many = WAYS.filter(({ alone }) => !alone);
  return many[(run * 7 + index * 5) % many.length] as Way;
}

/** Tries every way with the clients of `extent` and, beside the crowd, with `others`. */
export async function tryAll(
  recording: Recording,
  extent: Extent,
  option: boolean,
  others: readonly ClientMaker[] = [],
): Promise<Tried[]> {
  const tasks: Task<Tried>[] = [];
  for (const maker of [...clientsOf(extent), ...others]) {
    for (const explicit of [false, true]) {
      for (const way of waysOf(maker)) {
        const model = modelFor(maker, `${way.name} ${explicit}`);
        const work = async () => {
          const recorded = await recording.play(way, model, maker, { option, explicit });
          return { client: maker.name, way: way.name, model, explicit, together: false, recorded };
        };
        tasks.push({ way, work });
      }
    }
  }
  const tried = await doAll(tasks);
  for (const maker of clientsOf(extent)) {
    const runs = Array.from({ length: extent.runs }, (_, run) => tryTogether(recording, maker, extent, run, option));
    tried.push(...(await Promise.all(runs)).flat());
  }
  return tried;
}

async function tryTogether(
  recording: Recording,
  maker: ClientMaker,
  { callsEach }: Extent,
  run: number,
  option: boolean,
): Promise<Tried[]> {
  const calls = Array.from({ length: callsEach }, (_, index) => ({
    way: wayInCrowd(run, index),
    model: modelFor(maker, `crowd ${run} ${index} end`),
  }));
  const recorded = await recording.playTogether(calls, maker, { option, explicit: false });
  return calls.map(({ way, model }, index) => ({
    client: maker.name,
    way: way.name,
    model,
    explicit: false,
    together: true,
    recorded: recorded[index] as Recorded,
  }));
}

/** A model's name for one call; none is the beginning of another one. */
export function modelFor(maker: ClientMaker, what: string): string {
  return `model.${maker.name} ${what}.`.replaceAll(/[^\w.]+/g, '-');
}

/** Something to do with one way. */
export interface Task<T> {
  readonly way: Way;
  work(): Promise<T>;
}

/** Does all of it; what moves much comes after the rest, where a clock decides last. */
export async function doAll<T>(tasks: readonly Task<T>[]): Promise<T[]> {
  const done: T[] = [];
  await inParallel(
    tasks.filter(({ way }) => !way.alone),
    AT_ONCE,
    done,
  );
  for (const why of ['moves much', 'by the clock']) {
    await inParallel(
      tasks.filter(({ way }) => way.alone === why),
      FEW_AT_ONCE,
      done,
    );
  }
  return done;
}

async function inParallel<T>(tasks: readonly Task<T>[], atOnce: number, done: T[]): Promise<void> {
  const left = tasks.values();
  const work = async () => {
    for (const task of left) done.push(await task.work());
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}
