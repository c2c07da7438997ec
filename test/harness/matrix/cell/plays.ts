/** What the application of a cell does. What must be exported of it stands in `expected.ts`, which stays at home. */
import { SpanStatusCode, trace } from '@opentelemetry/api';
import { type Run, type RunOptions, run, startRun } from 'runtrace';
import type { Client } from './clients.js';

export interface App extends Client {
  /** The model for a play: the provider does with it what the play needs. */
  model(play: Play): string;
}

export type Play = keyof typeof PLAYS;

export const RUN_ID = '0195f3c2-7d1e-7a40-9b1c-3f2a5e6d7c81';

const PLAYS = {
  /** The provider says 429 twice, and the client asks again. */
  async retried({ generate, model }: App) {
    await run(named('retried'), () => generate(model('retried')));
  },

  /** The user presses Stop. */
  async aborted({ stream, model }: App) {
    const stopButton = new AbortController();
    await run(named('aborted'), async () => {
      for await (const piece of await stream(model('aborted'), stopButton.signal)) if (piece) stopButton.abort();
    }).catch(ignore);
  },

  /** The connection breaks in mid-stream. */
  async reset({ stream, model }: App) {
    await run(named('reset'), async () => read(await stream(model('reset')))).catch(ignore);
  },

  /** A long answer, read to its end. */
  async streamed({ stream, model }: App) {
    await run(named('streamed'), async () => read(await stream(model('streamed'))));
  },

  /** Other code sets a status, ends the span, and has a span of its own in the run. */
  async meddled({ generate, model }: App) {
    await run(named('meddled'), async () => {
      const meddle = () => trace.getActiveSpan()?.setStatus({ code: SpanStatusCode.ERROR, message: 'meddled' }).end();
      meddle();
      await generate(model('meddled'));
      trace.getTracer('theirs').startSpan('theirs').end();
      meddle();
    });
  },

  /** The application has an id of its own for the run. */
  async identified({ generate, model }: App) {
    await run({ ...named('identified'), id: RUN_ID }, () => generate(model('identified')));
  },

  /** A run that is never ended. */
  async open() {
    open.push(startRun(named('open')));
  },
};

/** Code that holds a run may still end it. */
const open: Run[] = [];

/** Plays them all at once: nothing of one may show up in another. */
export async function playAll(app: App): Promise<void> {
  await Promise.all(Object.values(PLAYS).map((play) => play(app)));
}

function named(play: Play): RunOptions {
  return { kind: 'matrix', conversationId: play };
}

async function read(stream: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const piece of stream) text += piece;
  return text;
}

function ignore(): void {}
