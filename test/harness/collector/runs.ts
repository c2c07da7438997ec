/** The runs of an imaginary service: two model calls and a tool each, most of them well, some worth a look. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attempt, Recorder, Step, StepOptions } from 'runtrace';

/** How a run goes. */
type Course = 'plain' | 'error' | 'interrupted' | 'retried' | 'slow';

/** What a run is played with. */
export interface RunSettings {
  /** What a slow run takes longer than. */
  slowMillis: number;
  /** Characters of each prompt and each answer; they are recorded only if the recorder captures content. */
  contentCharacters: number;
}

/** Of a hundred runs in a row: 3 errors, 2 interrupted, 4 with a failed attempt, 1 slow. */
const COURSES: readonly (readonly [until: number, course: Course])[] = [
  [3, 'error'],
  [5, 'interrupted'],
  [9, 'retried'],
  [10, 'slow'],
];
const URL = 'https://api.openai.com/v1/chat/completions';
const RETRY_WAIT_MILLIS = 10;
const SLOWER = 1.25;

/** Plays the run of this number, and resolves when its function has returned. */
export async function playRun(recorder: Recorder, number: number, settings: RunSettings): Promise<void> {
  const course = courseOf(number);
  const identity = { conversationId: `conversation-${number}`, userId: `user-${number % 1000}`, agentName: 'support' };
  await recorder.run({ kind: 'chat_turn', ...identity }, async (run) => {
    await run.step(stepOptions(settings), (step) => playStep(step, 'plain', settings));
    await recorder.tool({ name: 'search', callId: `call_${number}` }, () => {});
    if (course === 'slow') await sleep(SLOWER * settings.slowMillis);
    await run.step(stepOptions(settings), (step) => playStep(step, course, settings));
    if (course === 'error' || course === 'interrupted') run.finish(course);
  });
}

function courseOf(number: number): Course {
  const place = number % 100;
  return COURSES.find(([until]) => place < until)?.[1] ?? 'plain';
}

function stepOptions({ contentCharacters }: RunSettings): StepOptions {
  const messages = [{ role: 'user', parts: [{ type: 'text', content: words(contentCharacters) }] }];
  return { provider: 'openai', model: 'gpt-5', request: { maxTokens: 4096, temperature: 0.2, messages } };
}

async function playStep(step: Step, course: Course, { contentCharacters }: RunSettings): Promise<void> {
  if (course === 'retried') {
    step.attempts.record(attempt(step, { status: 'failed', statusCode: 429, errorType: 'rate_limit_exceeded' }));
    await sleep(RETRY_WAIT_MILLIS);
  }
  if (course === 'error') {
    step.attempts.record(attempt(step, { status: 'failed', statusCode: 400, errorType: 'invalid_request_error' }));
    return step.finish('error', { error: new Error('refused') });
  }
  if (course === 'interrupted') {
    step.attempts.record(attempt(step, { status: 'aborted', statusCode: 200 }));
    return step.finish('interrupted');
  }
  step.attempts.record(attempt(step, { status: 'completed', statusCode: 200 }));
  step.finish('completed', {
    response: {
      id: `chatcmpl-${step.number}`,
      model: 'gpt-5-2025-08-07',
      finishReasons: ['stop'],
      messages: [{ role: 'assistant', parts: [{ type: 'text', content: words(contentCharacters) }] }],
    },
    usage: { inputTokens: 1200, outputTokens: 300, cacheReadTokens: 1000 },
  });
}

function attempt(step: Step, ended: Pick<Attempt, 'status' | 'statusCode' | 'errorType'>): Attempt {
  const now = Date.now();
  return {
    ...{ number: step.attempts.next(), startedAt: now, endedAt: now, method: 'POST', url: URL },
    requestHeaders: { 'content-type': 'application/json' },
    responseHeaders: { 'content-type': 'application/json', 'x-request-id': `req_${now}` },
    requestBodySize: 4200,
    responseBodySize: 900,
    ...ended,
  };
}

function words(characters: number): string {
  return 'The quick brown fox jumps over the lazy dog. '.repeat(Math.ceil(characters / 45)).slice(0, characters);
}
