/** What is wrong with a call: how the application fared, against the same call without us, and what was exported of it. */

import type { ClientMaker } from '../../support/clients.js';
import type { AppError, Played, Seen } from './play.js';
import type { Exported, Recorded } from './record.js';
import type { Expected, ExpectedStep, Way } from './ways.js';

export interface Trial {
  readonly way: Way;
  readonly model: string;
  readonly maker: ClientMaker;
  readonly explicit: boolean;
  /** Whether other calls were made in the same run. */
  readonly together: boolean;
  readonly bare: Played;
  readonly recorded: Recorded;
  readonly expected: Expected;
}

/** Everything that is wrong, in words; nothing if all is right. */
export function judge(trial: Trial): string[] {
  const { recorded, expected, together } = trial;
  const runs = recorded.spans.filter(isRun);
  const wrong = [
    ...compareWithBare(trial.bare, recorded),
    ...unless(runs.length === 1, `${runs.length} runs`),
    ...unless(!JSON.stringify(recorded.spans).includes('not-a-key'), 'a key was exported'),
  ];
  if (isTracedByClient(trial)) return [...wrong, ...judgeForeign(trial)];
  const steps = recorded.spans.filter(isStep).sort((a, b) => numberOf(a) - numberOf(b));
  const others = recorded.spans.filter((span) => !isRun(span) && !isStep(span) && !isClientsOwn(span));
  wrong.push(...unless(others.length === 0, `spans of no call: ${others.map(({ name }) => name)}`));
  if (steps.length !== expected.steps.length) {
    return [...wrong, `${steps.length} steps instead of ${expected.steps.length}: ${steps.map(summary)}`];
  }
  expected.steps.forEach((step, index) => {
    wrong.push(...judgeStep(steps[index] as Exported, step, trial));
  });
  if (!together && runs[0]) wrong.push(...judgeRun(runs[0], steps, trial));
  return wrong;
}

function compareWithBare(bare: Seen, seen: Seen): string[] {
  const wrong = [
    ...same('the text', seen.text, bare.text),
    ...same('the error', seen.error, bare.error),
    ...same('the requests', seen.requests.map(endOf), bare.requests.map(endOf)),
  ];
  seen.requests.forEach(({ megabytesWritten }, index) => {
    const without = bare.requests[index]?.megabytesWritten ?? 0;
    wrong.push(
      ...unless(megabytesWritten <= without + 5, `${megabytesWritten} MB were downloaded, ${without} without`),
    );
  });
  return wrong;
}

const endOf = ({ retryCount, closedByClient }: Seen['requests'][number]) => ({ retryCount, closedByClient });

function judgeStep(span: Exported, expected: ExpectedStep, trial: Trial): string[] {
  const { attributes, events, statusCode, name } = span;
  const { maker, explicit, bare } = trial;
  const isLast = trial.expected.steps.at(-1) === expected;
  const attempts = attemptsOf(span);
  const last = attempts.at(-1);
  const answered = last?.['runtrace.attempt.status'] === 'completed';
  const streamed = attributes['runtrace.step.operation'] === 'stream';
  const exceptions = events.filter((event) => event.name === 'exception').length;
  const failed = expected.status === 'error';
  return [
    ...same('the status', attributes['runtrace.status'], expected.status),
    ...same('the span status', statusCode, { completed: 1, error: 2, interrupted: 0 }[expected.status]),
    ...same('the attempts', attempts.map(attemptSummary), expected.attempts),
    ...judgeAttempts(attempts, expected.resends ?? true, maker),
    ...same(
      'the codes',
      attributes['runtrace.step.attempt_codes'],
      expected.attempts.map(codeOf).join(' ') || undefined,
    ),
    ...same('attempt_count', attributes['runtrace.step.attempt_count'], expected.attempts.length),
    ...same(
      'failed_attempt_count',
      attributes['runtrace.step.failed_attempt_count'],
      expected.attempts.filter((attempt) => attempt.endsWith('failed')).length,
    ),
    ...unless(
      failed ? isErrorType(attributes['error.type'], expected, trial) : attributes['error.type'] === undefined,
      `error.type is ${attributes['error.type']}`,
    ),
    ...same('the exceptions', exceptions, failed ? 1 : 0),
    ...same('the model', attributes['gen_ai.request.model'], expected.model),
    ...unless(name.endsWith(` ${expected.model}`), `it is named ${name}`),
    ...(attempts.length > 0 ? same('the provider', attributes['gen_ai.provider.name'], maker.provider) : []),
    ...(answered ? judgeAnswer(attributes, maker) : []),
    ...(streamed && last ? judgeFirstChunk(attributes, last) : []),
    ...judgeContent(span, explicit, isLast ? bare.text.replaceAll('MODEL', trial.model) : ''),
  ];
}

/** What belongs to every attempt. */
function judgeAttempts(attempts: readonly Attributes[], areResends: boolean, maker: ClientMaker): string[] {
  return attempts.flatMap((attempt, index) => {
    const status = attempt['runtrace.attempt.status'];
    const wait = attempt['runtrace.attempt.wait_ms'];
    const before = attempts[index - 1];
    const [asked] = (before?.['http.response.header.retry-after-ms'] as string[] | undefined) ?? [];
    return [
      ...same('number', attempt['runtrace.attempt.number'], index + 1),
      ...same('method', attempt['http.request.method'], 'POST'),
      ...same('server.address', attempt['server.address'], '127.0.0.1'),
      ...unless(typeof attempt['runtrace.attempt.duration_ms'] === 'number', 'no duration'),
      ...same('resend_count', attempt['http.request.resend_count'], areResends && before ? index : undefined),
      ...unless(before ? typeof wait === 'number' : wait === undefined, `attempt ${index + 1} waited ${wait}`),
      // Timers may be a millisecond early.
      ...unless(
        !asked || !maker.heedsRetryAfter || Number(wait) >= Number(asked) - 2,
        `it waited ${wait} ms instead of the ${asked} it was asked for`,
      ),
      ...unless(
        (status === 'failed') === (attempt['error.type'] !== undefined),
        `attempt ${index + 1}, ${status}, has error.type ${attempt['error.type']}`,
      ),
    ];
  });
}

/** APIs whose answers lack something. */
const WITHOUT: Readonly<Partial<Record<ClientMaker['provider'], readonly ('id' | 'model' | 'finish reason')[]>>> = {
  cohere: ['model'],
  ollama: ['id'],
  'aws.bedrock': ['id', 'model'],
  mistral_ai: ['finish reason'],
};

function judgeAnswer(attributes: Attributes, { provider }: ClientMaker): string[] {
  const without = WITHOUT[provider] ?? [];
  const reasons = attributes['gen_ai.response.finish_reasons'];
  return [
    ...unless(
      attributes['gen_ai.usage.input_tokens'] === 31,
      `input_tokens is ${attributes['gen_ai.usage.input_tokens']}`,
    ),
    ...unless(
      attributes['gen_ai.usage.output_tokens'] === 17,
      `output_tokens is ${attributes['gen_ai.usage.output_tokens']}`,
    ),
    ...unless(
      without.includes('finish reason') || (Array.isArray(reasons) && reasons.length === 1),
      `finish_reasons is ${reasons}`,
    ),
    ...unless(without.includes('id') || typeof attributes['gen_ai.response.id'] === 'string', 'no response id'),
    ...unless(
      without.includes('model') || typeof attributes['gen_ai.response.model'] === 'string',
      'no response model',
    ),
  ];
}

/** It is that of the attempt which counted, without the waits before it. */
function judgeFirstChunk(attributes: Attributes, last: Attributes): string[] {
  const ofStep = attributes['gen_ai.response.time_to_first_chunk'];
  const ofAttempt = last['runtrace.attempt.time_to_first_chunk_ms'];
  if (ofAttempt === undefined) return same('time_to_first_chunk', ofStep, undefined);
  return [
    ...unless(
      Math.abs(Number(ofStep) * 1000 - Number(ofAttempt)) < 1,
      `time_to_first_chunk is ${ofStep} s, of the attempt ${ofAttempt} ms`,
    ),
    ...unless(
      Number(ofAttempt) <= Number(last['runtrace.attempt.duration_ms']),
      'the first chunk came after the attempt’s end',
    ),
  ];
}

/** At `content` what had reached the application is there, however the call ended; at `metadata` none of it is. */
function judgeContent(span: Exported, explicit: boolean, text: string): string[] {
  const output = span.attributes['gen_ai.output.messages'];
  const bodies = attemptsOf(span).some((attempt) => 'http.request.body.content' in attempt);
  if (explicit) {
    const isThere = output !== undefined || 'gen_ai.input.messages' in span.attributes || bodies;
    return unless(!isThere, 'content at capture: metadata');
  }
  const arrived = text === '' || (typeof output === 'string' && textOf(output).includes(text));
  return [
    ...unless(arrived, `what had arrived is not there: ${output}`),
    ...unless('gen_ai.input.messages' in span.attributes && bodies, 'no prompt at capture: content'),
  ];
}

function textOf(messages: string): string {
  const parsed = JSON.parse(messages) as { parts: { content?: string }[] }[];
  return parsed.flatMap(({ parts }) => parts.map(({ content = '' }) => content)).join('');
}

function judgeRun(run: Exported, steps: readonly Exported[], { way, bare, expected }: Trial): string[] {
  const { attributes } = run;
  const sum = (name: string) => steps.reduce((total, step) => total + Number(step.attributes[name]), 0);
  const interrupted = expected.steps.every(({ status }) => status === 'interrupted');
  return [
    ...same(
      'the status of the run',
      attributes['runtrace.status'],
      bare.error || way.leftOpen ? (interrupted ? 'interrupted' : 'error') : 'completed',
    ),
    ...same('step_count', attributes['runtrace.run.step_count'], steps.length),
    ...same('the run’s attempts', attributes['runtrace.run.attempt_count'], sum('runtrace.step.attempt_count')),
    ...same(
      'has_error',
      attributes['runtrace.run.has_error'],
      expected.steps.some(({ status }) => status === 'error'),
    ),
  ];
}

/** On the span that a client makes itself, the attempts alone are ours; where it ended that span too early or never, on a step of ours. */
function judgeForeign({ maker, recorded, expected, together }: Trial): string[] {
  const attempts = expected.steps.flatMap((step) => step.attempts);
  const steps = recorded.spans.filter(isStep);
  const spans = [...recorded.spans.filter(isClientsOwn), ...steps];
  const mayHaveLeft = expected.steps.every(({ status }) => status === 'interrupted');
  return [
    ...unless(steps.length === 0 || mayHaveLeft, `a second span: ${steps.map(summary)}`),
    ...same('the attempts', spans.flatMap(attemptsOf).map(attemptSummary), attempts),
    ...(together ? [] : spans.flatMap((span) => judgeAttempts(attemptsOf(span), true, maker))),
  ];
}

/** Whether a client that makes spans itself left the attempts to a step of ours. */
export function isLeftToUs(trial: Pick<Trial, 'maker' | 'explicit' | 'recorded'>): boolean {
  return isTracedByClient(trial) && trial.recorded.spans.some(isStep);
}

/** The wire's own word for it, or, where a scope got an error, what that error says. */
function isErrorType(errorType: unknown, { errorType: ofWire }: ExpectedStep, { explicit, bare }: Trial): boolean {
  const byWire = [ofWire ?? []].flat().includes(String(errorType));
  if (!explicit) return ofWire === undefined ? typeof errorType === 'string' : byWire;
  // Where the application caught what the client threw, it can't be known here.
  if (!bare.error) return typeof errorType === 'string' && errorType !== '_OTHER';
  return byWire || saidBy(bare.error).includes(errorType);
}

function saidBy(error: AppError | undefined): unknown[] {
  if (!error) return [];
  return [
    ...[error.code].flat(),
    error.bodyType,
    error.type,
    String(error.status),
    error.class,
    error.name,
    ...saidBy(error.cause),
  ];
}

type Attributes = Readonly<Record<string, unknown>>;

const isRun = ({ attributes }: Exported) => 'runtrace.run.kind' in attributes;
const isStep = ({ attributes }: Exported) => 'runtrace.step.id' in attributes;
const numberOf = ({ attributes }: Exported) => Number(attributes['runtrace.step.number']);
const isClientsOwn = ({ scope }: Exported) => scope.startsWith('com.anthropic');
const isTracedByClient = ({ maker, explicit }: Pick<Trial, 'maker' | 'explicit'>) =>
  maker.name.endsWith('traced') && !explicit;

function attemptsOf({ events }: Exported): Attributes[] {
  return events.filter(({ name }) => name === 'runtrace.attempt').map(({ attributes }) => attributes);
}

function attemptSummary(attempt: Attributes): string {
  const code = attempt['http.response.status_code'];
  return `${code === undefined ? '' : `${code} `}${attempt['runtrace.attempt.status']}`;
}

/** In `attempt_codes` an attempt has its HTTP status, else its status. */
const codeOf = (attempt: string) => attempt.split(' ', 1)[0];

function summary(span: Exported): string {
  return `${span.name} ${span.attributes['runtrace.status']} [${attemptsOf(span).map(attemptSummary)}]`;
}

function unless(holds: boolean, complaint: string): string[] {
  return holds ? [] : [complaint];
}

function same(what: string, got: unknown, wanted: unknown): string[] {
  // Both as they are after a journey between processes.
  const [has, wants] = [JSON.stringify(got), JSON.stringify(wanted)];
  return unless(has === wants, `${what}: ${has} instead of ${wants}`);
}
