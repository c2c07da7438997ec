/** Measures two ways of doing the same in turn, so that a machine that slows down slows both. */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** One way to do the work: does it `count` times. */
export type Work = (count: number) => Promise<void> | void;

export interface Pair {
  ours: Work;
  floor: Work;
  /** How often the work is done in one round. */
  count: number;
  /** Between two rounds, not measured. */
  between?: () => Promise<void> | void;
}

/** A figure over the rounds: the median, and what lies between the quarters. */
export interface Figure {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export interface Measured {
  /** CPU microseconds a piece of work. */
  readonly ours: Figure;
  /** CPU microseconds a piece of work. */
  readonly floor: Figure;
  /** ours / floor, round by round. */
  readonly ratio: Figure;
  /** ours - floor, round by round, in CPU microseconds a piece of work. */
  readonly added: Figure;
}

/** By then the engine has compiled what it is going to compile, as it has in a server that runs. */
const WARM_UP_MILLIS = 1000;
/** On a slow machine that takes longer. */
const WARM_UP_ROUNDS = 20;
const ROUNDS = 41;

/** Plays a round again and again, until the engine has compiled what it plays. */
export async function warmUp(
  round: (index: number) => Promise<unknown>,
  millis = WARM_UP_MILLIS,
  rounds = WARM_UP_ROUNDS,
): Promise<void> {
  const until = performance.now() + millis;
  for (let index = 0; index < rounds || performance.now() < until; index++) await round(index);
}

export async function measure(pair: Pair, rounds = ROUNDS): Promise<Measured> {
  const turn = async (work: Work) => {
    globalThis.gc?.({ type: 'minor' });
    const micros = await cpuMicros(work, pair.count);
    await pair.between?.();
    return micros;
  };
  // Who goes first alternates too: the second one pays for the first one's garbage.
  const round = async (index: number): Promise<readonly [number, number]> => {
    if (index % 2 === 0) return [await turn(pair.ours), await turn(pair.floor)];
    const floor = await turn(pair.floor);
    return [await turn(pair.ours), floor];
  };
  await warmUp(round);
  const ours: number[] = [];
  const floor: number[] = [];
  for (let index = 0; index < rounds; index++) {
    const [one, other] = await round(index);
    ours.push(one);
    floor.push(other);
  }
  return {
    ours: figure(ours),
    floor: figure(floor),
    ratio: figure(ours.map((time, round) => time / (floor[round] as number))),
    added: figure(ours.map((time, round) => time - (floor[round] as number))),
  };
}

async function cpuMicros(work: Work, count: number): Promise<number> {
  const before = process.cpuUsage();
  await work(count);
  // A run settles in the turn of the event loop after its function, which is part of its cost.
  await nextTurn();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

export function figure(values: readonly number[]): Figure {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number;
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}

/** A row of the table. */
export interface Row {
  /** What was compared, and with what. */
  readonly floor: string;
  /** As it is printed: `1.4 x`. */
  readonly figures: string;
  readonly goal: string;
  /** How far from the goal: 1 is just met. */
  readonly ofGoal: number;
  /** What was added, as a share of the floor or of the bare client. There if the goal is a time, which depends on the machine, and for streams. */
  readonly ofFloor?: number;
}

const number = (value: number) => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3));

export function ratioRow(floor: string, measured: Measured, goal: number): Row {
  const { ours, floor: base, ratio } = measured;
  return {
    floor,
    figures: `${number(ratio.median)} x (${number(ratio.low)} to ${number(ratio.high)}); ${number(ours.median)} us, floor ${number(base.median)} us`,
    goal: `<= ${goal} x`,
    ofGoal: ratio.median / goal,
  };
}

/** `per`: what the added time is divided by, a call or a chunk. */
export function addedRow(floor: string, measured: Measured, goal: number, what: string, per = 1): Row {
  const { ours, floor: base, added } = measured;
  const each = (value: number) => number(value / per);
  return {
    floor,
    figures: `+${each(added.median)} us a ${what} (${each(added.low)} to ${each(added.high)}); ${each(ours.median)} us, floor ${each(base.median)} us`,
    goal: `<= ${goal} us a ${what}`,
    ofGoal: Math.max(0, added.median / per / goal),
    ofFloor: added.median / base.median,
  };
}
