/** Runs as the server describes them to the page. A test gives what it is about; the rest is plausible. */
import type { Attempt, RunDetail, RunRow, SpanNode } from '../../../src/view/model.js';

let lastId = 0;

/** A hexadecimal id that no other run or span of this process has. */
function newId(length: number): string {
  lastId++;
  return lastId.toString(16).padStart(length, '0');
}

/** Times of `given*` functions are milliseconds after this moment. */
export const BEGIN = Date.UTC(2026, 0, 5, 12, 0, 0);

export function givenAttempt(number: number, from: number, to: number, more: Partial<Attempt> = {}): Attempt {
  return {
    number,
    startMillis: BEGIN + from,
    endMillis: BEGIN + to,
    status: 'completed',
    code: 200,
    method: 'POST',
    url: 'https://api.openai.com/v1/chat/completions',
    requestHeaders: { 'content-type': 'application/json' },
    responseHeaders: { 'content-type': 'application/json' },
    requestBodyBytes: 84,
    responseBodyBytes: 597,
    ...more,
  };
}

export function givenRefusal(
  number: number,
  from: number,
  to: number,
  code: number,
  more: Partial<Attempt> = {},
): Attempt {
  return givenAttempt(number, from, to, {
    status: 'failed',
    code,
    errorType: String(code),
    responseBodyBytes: 0,
    ...more,
  });
}

export function givenSpan(name: string, from: number, to: number, more: Partial<SpanNode> = {}): SpanNode {
  return {
    spanId: newId(16),
    depth: 1,
    kind: 'step',
    name,
    startMillis: BEGIN + from,
    endMillis: BEGIN + to,
    status: 'completed',
    attempts: [],
    statusUpdates: [],
    otherEvents: [],
    ...more,
    attributes: {
      ...(more.kind === undefined && {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'openai',
        'gen_ai.request.model': 'gpt-5',
        'runtrace.step.number': 1,
      }),
      ...more.attributes,
    },
  };
}

/** A run with `spans` inside. Its row has the sums of them. */
export function givenRun(
  row: Partial<RunRow> & { millis?: number; from?: number } = {},
  ...spans: SpanNode[]
): RunDetail {
  const { millis = 538, from = 0, ...given } = row;
  const status = given.status ?? 'completed';
  const isOver = status !== 'in_progress';
  const root = givenSpan('invoke_workflow chat_turn', from, from + millis, {
    depth: 0,
    kind: 'run',
    status,
    attributes: {
      'runtrace.run.kind': given.kind ?? 'chat_turn',
      'runtrace.run.id': '6b1f0c9e-5a3f-4c93-9d53-6e1f6f1b2a11',
    },
  });
  const attempts = spans.flatMap((span) => span.attempts);
  return {
    service: 'given',
    spans: [isOver ? root : live(root), ...spans],
    row: {
      traceId: newId(32),
      spanId: root.spanId,
      name: root.name,
      status,
      kind: 'chat_turn',
      conversationId: 'c-1',
      models: ['gpt-5'],
      attemptCodes: attempts
        .filter((it) => it.status !== 'in_flight')
        .map((it) => String(it.code ?? it.errorType ?? it.status)),
      waitedMillis: attempts.reduce((sum, { waitMillis = 0 }) => sum + waitMillis, 0),
      startMillis: root.startMillis,
      ...(isOver && { durationMillis: millis }),
      stepCount: spans.length,
      failedAttempts: attempts.filter((it) => it.status === 'failed').length,
      live: !isOver,
      lostContact: false,
      ...given,
    },
  };
}

/** The span while it is in progress. */
export function live({ endMillis: _, ...span }: SpanNode): SpanNode {
  return { ...span, status: 'in_progress' };
}

/** 429, 429, 200: with 370 of 538 ms of waiting. */
export function rateLimitedRun(row: Partial<RunRow> & { from?: number } = {}): RunDetail {
  return givenRun(
    { inputTokens: 21, outputTokens: 9, ...row },
    givenSpan('chat gpt-5', 4, 534, {
      attempts: [
        givenRefusal(1, 4, 54, 429, { responseHeaders: { 'retry-after-ms': '120' } }),
        givenRefusal(2, 190, 240, 429, {
          waitMillis: 136,
          askedMillis: 120,
          responseHeaders: { 'retry-after-ms': '230' },
        }),
        givenAttempt(3, 474, 534, {
          waitMillis: 234,
          askedMillis: 230,
          firstChunkMillis: 40,
          usage: { inputTokens: 21, outputTokens: 9 },
        }),
      ],
      attributes: {
        'gen_ai.response.finish_reasons': ['stop'],
        'gen_ai.usage.input_tokens': 21,
        'gen_ai.usage.output_tokens': 9,
        'gen_ai.request.max_tokens': 200,
      },
    }),
  );
}

/** 529, three times. */
export function failedRun(row: Partial<RunRow> & { from?: number } = {}): RunDetail {
  return givenRun(
    { status: 'error', reason: 'overloaded_error: attempt 3 of 3 was refused with 529', millis: 256, ...row },
    givenSpan('chat claude-opus-5', 2, 250, {
      status: 'error',
      attempts: [
        givenRefusal(1, 2, 50, 529),
        givenRefusal(2, 110, 122, 529, { waitMillis: 60 }),
        givenRefusal(3, 222, 247, 529, { waitMillis: 100, errorType: 'overloaded_error', responseBodyBytes: 93 }),
      ],
      attributes: { 'error.type': 'overloaded_error', 'gen_ai.request.model': 'claude-opus-5' },
    }),
  );
}

/** A stream that the user stopped. */
export function interruptedRun(row: Partial<RunRow> & { from?: number } = {}): RunDetail {
  return givenRun(
    { status: 'interrupted', millis: 282, ...row },
    givenSpan('chat gpt-5', 4, 270, {
      status: 'interrupted',
      attempts: [givenAttempt(1, 4, 270, { status: 'aborted', firstChunkMillis: 52 })],
    }),
  );
}

/** Everything that `capture: 'content'` records, with a body that the retry repeated and one that the client never read. */
export function contentRun(row: Partial<RunRow> & { from?: number } = {}): RunDetail {
  const turn = (role: string, content: string) => ({ role, parts: [{ type: 'text', content }] });
  return givenRun(
    row,
    givenSpan('chat gpt-5', 4, 534, {
      attempts: [
        givenRefusal(1, 4, 54, 500, {
          requestBody: '{"model":"gpt-5","messages":[{"role":"user","content":"It\'s $HOME `id`"}]}',
          requestHeaders: { authorization: '[REDACTED]', 'content-type': 'application/json', 'x-tag': "a'b" },
        }),
        givenAttempt(2, 104, 534, {
          waitMillis: 50,
          firstChunkMillis: 40,
          responseBody: '{"id":"chatcmpl-1","choices":[]}',
          requestHeaders: { authorization: '[REDACTED]', 'x-tag': 'c' },
        }),
      ],
      statusUpdates: [
        { atMillis: BEGIN + 60, status: 'error', accepted: true, late: false, errorType: '500' },
        { atMillis: BEGIN + 500, status: 'completed', accepted: true, late: false },
        { atMillis: BEGIN + 520, status: 'interrupted', accepted: false, late: false },
        { atMillis: BEGIN + 534, status: 'error', accepted: false, late: true, errorType: 'Error' },
      ],
      attributes: {
        'gen_ai.response.finish_reasons': ['length'],
        'gen_ai.usage.input_tokens': 2000,
        'gen_ai.usage.output_tokens': 1000,
        'gen_ai.request.temperature': 0.5,
        'gen_ai.system_instructions': JSON.stringify([{ type: 'text', content: 'Be brief.' }]),
        'gen_ai.input.messages': JSON.stringify([
          turn('user', 'first question'),
          turn('assistant', 'first answer'),
          turn('user', 'second\nquestion'),
        ]),
        'gen_ai.output.messages': JSON.stringify([
          {
            role: 'assistant',
            parts: [
              { type: 'text', content: 'line one\nline two' },
              { type: 'tool_call', id: 'call_1', name: 'weather', arguments: { city: 'Lisbon' } },
            ],
            finish_reason: 'length',
          },
        ]),
        'gen_ai.tool.definitions': JSON.stringify([
          { type: 'function', name: 'weather', description: 'Tells the weather', parameters: { type: 'object' } },
        ]),
      },
    }),
  );
}
