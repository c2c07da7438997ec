/**
 * Responses that a provider makes in the background (OpenAI's `background: true`, xAI's `deferred: true`): the request answers at once, and
 * is then polled.
 */
import type { Context } from '@opentelemetry/api';
import type { CaptureSettings } from '../../capture/levels.js';
import type { Clock } from '../../otel/clock.js';
import type { Answer, ModelCall } from '../../providers/detect.js';
import { withoutLastSlashes } from '../../util/url-parts.js';
import type { AttemptEnd, AttemptOwner, Pending, PendingAttempt } from '../attempts/http-exchange.js';
import type { StepRecording } from '../step.js';

/** The step or scope that made the request. */
export interface BackgroundOwner {
  /** A poll ended that is an attempt: it failed, or it is the last one. `ended`: the response has ended. */
  pollEnded(ending: AttemptEnd, ended: boolean): void;
  /** The run ended before the response; `last` is the request, as if it had ended as the last poll that told of the response. */
  leftInBackground(last: AttemptEnd): void;
}

/** The status of a response that has not ended, in the provider's words. */
export function unfinishedStatus(answer: Answer | undefined): string | undefined {
  const status = answer?.responseStatus;
  return status === 'queued' || status === 'in_progress' ? status : undefined;
}

/**
 * Whether a response goes on in the background after its request has ended: it was answered as queued or in progress, or its stream was
 * left or broke before the response's end.
 */
export function goesOnInBackground({ how, answer, call }: AttemptEnd): boolean {
  if (answer?.response.id === undefined || answer.error || unfinishedStatus(answer) === undefined) return false;
  return how === 'answered' || call?.inBackground === true;
}

/**
 * A response in the background. Its step is not finished until the response has ended, or the run. A poll is a request for the response, or
 * for the rest of its stream. One that leaves the response queued or in progress is counted, and is no attempt unless it failed.
 */
export class BackgroundResponse implements Pending, AttemptOwner {
  readonly #step: StepRecording;
  readonly #owner: BackgroundOwner;
  readonly #key: string;
  #last: AttemptEnd;
  /** The poll before, until it has ended. */
  #poll: PendingAttempt | undefined;

  constructor(step: StepRecording, owner: BackgroundOwner, request: AttemptEnd) {
    this.#step = step;
    this.#owner = owner;
    this.#last = request;
    const { pollPath, response } = request.answer as Answer;
    this.#key = keyOf(new URL(pollPath ?? `./${response.id}`, `${keyOf(request.outgoing.url)}/`));
    step.home.polls.set(this.#key, this);
    step.open(this);
  }

  readonly isBeingRead = false;
  readonly isInBackground = true;

  /** The call whose answers the polls get. */
  get call(): ModelCall | undefined {
    return this.#last.call;
  }

  get home(): StepRecording['home'] {
    return this.#step.home;
  }

  get capturing(): CaptureSettings {
    return this.#step.capturing;
  }

  get now(): Clock {
    return this.#step.now;
  }

  /** A run that is over does not wait for the next poll. */
  idleSince(): number {
    return Number.NEGATIVE_INFINITY;
  }

  giveUp(): void {
    this.close();
    this.#owner.leftInBackground(this.#last);
  }

  /** Its polls are no longer observed. */
  close(): void {
    if (this.#step.home.polls.get(this.#key) === this) this.#step.home.polls.delete(this.#key);
    this.#step.close(this);
  }

  contextFor(active: Context): Context {
    return this.#step.contextFor(active);
  }

  /** Whether a poll is an attempt is known when it ends; it gets its number then. */
  begin(live: PendingAttempt): { number: number; resendCount: number } {
    // A client that waits for another status does not read the body of a 202.
    if (this.#poll?.statusCode === ACCEPTED && !this.#poll.isBeingRead) this.#poll.giveUp();
    this.#poll = live;
    this.#step.open(live);
    return { number: 0, resendCount: 0 };
  }

  refused(live: PendingAttempt): void {
    this.#step.refused(live);
  }

  end(live: PendingAttempt, ending: AttemptEnd): void {
    if (this.#poll === live) this.#poll = undefined;
    if (this.#step.settled) return;
    if (isAccepted(ending)) {
      this.#step.polled();
      this.#step.close(live);
      return;
    }
    const { how, answer } = ending;
    const wasLeft = how === 'aborted' || how === 'unread';
    const isUnfinished = unfinishedStatus(answer) !== undefined;
    if (how === 'answered' || wasLeft) this.#seen(ending);
    if (isUnfinished && (how === 'answered' || wasLeft)) this.#step.polled();
    else {
      const attempt = { ...ending.attempt, number: this.#step.log.next() };
      const isLast = how === 'answered' || answer?.error !== undefined;
      if (isLast) this.close();
      this.#owner.pollEnded({ ...ending, attempt, how: isCancelled(answer) ? 'aborted' : how }, isLast);
    }
    this.#step.close(live);
  }

  /** A poll was answered, or was left by the caller. If the run ends now, so did the request. */
  #seen({ how, answer, attempt: { endedAt } }: AttemptEnd): void {
    const { attempt } = this.#last;
    this.#last = { ...this.#last, how, answer: answer ?? this.#last.answer, attempt: { ...attempt, endedAt } };
  }

  amend(ending: AttemptEnd): void {
    if (ending.attempt.number > 0) this.#step.amend(ending);
  }
}

/** The status of a poll that xAI answers with no body, because the completion is not there yet. */
const ACCEPTED = 202;

function isAccepted({ how, answer, attempt: { statusCode } }: AttemptEnd): boolean {
  return statusCode === ACCEPTED && (how === 'invalid' || how === 'unread') && !answer?.error;
}

/** The response that a request polls or cancels. */
export function polledBy(
  method: string,
  url: URL,
  polls: ReadonlyMap<string, BackgroundResponse>,
): BackgroundResponse | undefined {
  if (polls.size === 0) return undefined;
  const key = keyOf(url);
  return method === 'GET' ? polls.get(key) : method === 'POST' ? polls.get(key.replace(/\/cancel$/, '')) : undefined;
}

function isCancelled(answer: Answer | undefined): boolean {
  return answer?.responseStatus === 'cancelled';
}

function keyOf({ origin, pathname }: URL): string {
  return origin + withoutLastSlashes(pathname);
}
