import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { embed, embedMany, generateObject, generateText, Output, streamObject, streamText } from 'ai';
import { MockEmbeddingModelV4 } from 'ai/test';
import { wrapFetch } from 'runtrace';
import { ok, status } from '../../examples/demo/provider.js';
import { only, type Traced } from '../support/traced.js';
import {
  answerParts,
  attempts,
  busy,
  CITY,
  chat,
  LONG,
  localModel,
  nextModel,
  openai,
  outcome,
  readAll,
  runOf,
  scene,
  script,
  startModels,
  statusOf,
  stopModels,
  streamOf,
} from './ai-sdk.js';

before(startModels);
after(stopModels);

const prompt = 'Hello?';
const stream = (model: ReturnType<typeof localModel>, settings: object = {}) =>
  streamText({ model, prompt, onError: () => {}, ...settings });

describe('a model that is asked without a recording fetch', () => {
  const attributesOf = async (set: Traced) => {
    await runOf(set);
    return only(set.steps()).attributes;
  };

  test('has steps all the same, with what the AI SDK knows and no attempts', async () => {
    const set = scene({ capture: 'content' });
    await generateText({ model: localModel(), system: 'Be brief.', prompt, temperature: 0.5, maxOutputTokens: 9 });
    const attributes = await attributesOf(set);
    assert.equal(attributes['runtrace.step.attempt_count'], 0);
    assert.equal(attributes['gen_ai.provider.name'], 'local');
    assert.equal(attributes['gen_ai.request.model'], 'local');
    assert.equal(attributes['gen_ai.request.temperature'], 0.5);
    assert.equal(attributes['gen_ai.request.max_tokens'], 9);
    assert.equal(attributes['gen_ai.response.id'], 'answer-1');
    assert.equal(attributes['gen_ai.response.model'], 'local-1b');
    assert.deepEqual(attributes['gen_ai.response.finish_reasons'], ['eos']);
    assert.equal(attributes['gen_ai.usage.input_tokens'], 31);
    assert.equal(attributes['gen_ai.usage.cache_read.input_tokens'], 8);
    assert.equal(attributes['gen_ai.usage.cache_write.input_tokens'], 3);
    assert.equal(attributes['gen_ai.usage.output_tokens'], 17);
    assert.equal(attributes['gen_ai.usage.reasoning.output_tokens'], 5);
    assert.deepEqual(attributes['runtrace.step.warnings'], ['unsupported: seed']);
    assert.deepEqual(JSON.parse(String(attributes['gen_ai.system_instructions'])), [
      { type: 'text', content: 'Be brief.' },
    ]);
    assert.deepEqual(JSON.parse(String(attributes['gen_ai.input.messages'])), [
      { role: 'user', parts: [{ type: 'text', content: prompt }] },
    ]);
    assert.deepEqual(JSON.parse(String(attributes['gen_ai.output.messages'])), [
      { role: 'assistant', parts: [{ type: 'text', content: 'Hello there.' }], finish_reason: 'eos' },
    ]);
  });

  test('has no content where none is captured', async () => {
    const set = scene();
    await generateText({ model: localModel(), prompt });
    const names = Object.keys(await attributesOf(set));
    assert.deepEqual(
      names.filter((name) => /messages|instructions|definitions/.test(name)),
      [],
    );
  });

  test('with a provider that has its own fetch, the retries are folded all the same', async () => {
    const set = scene();
    const model = nextModel();
    script(model, busy(), ok());
    await generateText({ model: openai(fetch).chat(model), prompt });
    assert.deepEqual(await outcome(set), { step: 'completed', attempts: [], run: 'completed' });
    assert.equal(only(set.steps()).attributes['gen_ai.usage.input_tokens'], 12);
  });

  const parts = answerParts(['Hello ', 'there.']);
  const long = answerParts(Array(300).fill('more '));
  const failing = (error: unknown) => {
    const given = parts.slice(0, 4);
    return new ReadableStream({
      pull: (controller) => (given.length > 0 ? controller.enqueue(given.shift()) : controller.error(error)),
    });
  };
  const LOCAL = [
    ['is streamed', () => streamOf(parts), readAll, 'completed'],
    ['is streamed, and never read', () => streamOf(long), () => {}, 'interrupted'],
    [
      'is streamed, and left with break',
      () => streamOf(long),
      async (text) => void (await text[Symbol.asyncIterator]().next()),
      'interrupted',
    ],
    ['breaks', () => failing(new RangeError('torn')), readAll, 'error', 'RangeError'],
    ['ends without a word', () => streamOf(parts.slice(0, 4)), readAll, 'error', 'invalid_response'],
    [
      'says in its stream that it failed',
      () => streamOf([...parts.slice(0, 4), { type: 'error', error: new RangeError('torn') }]),
      readAll,
      'error',
      'RangeError',
    ],
    [
      'says in its stream that it failed, and then that it stopped',
      () => streamOf([...parts.slice(0, 4), { type: 'error', error: new RangeError('torn') }, ...parts.slice(-1)]),
      readAll,
      'error',
      'RangeError',
    ],
  ] satisfies [string, () => ReadableStream, (text: AsyncIterable<string>) => unknown, string, string?][];

  for (const [name, answer, consume, expected, errorType] of LOCAL) {
    test(`and ${name}`, async () => {
      const set = scene();
      try {
        await consume(stream(localModel(answer)).textStream);
      } catch {
        // As above.
      }
      const error = errorType === undefined ? {} : { errorType };
      assert.deepEqual(await outcome(set), { step: expected, attempts: [], run: expected, ...error });
    });
  }

  test('and is aborted in mid-stream', async () => {
    const set = scene();
    const controller = new AbortController();
    const { textStream } = stream(
      localModel(() => streamOf(long)),
      { abortSignal: controller.signal },
    );
    for await (const _piece of textStream) controller.abort('no longer wanted');
    assert.deepEqual(await outcome(set), { step: 'interrupted', attempts: [], run: 'interrupted' });
  });

  test('and throws', async () => {
    const set = scene();
    const error = new RangeError('no such model');
    const model = Object.assign(localModel(), { doGenerate: () => Promise.reject(error) });
    await assert.rejects(generateText({ model, prompt }), (thrown) => thrown === error);
    assert.deepEqual(await outcome(set), { step: 'error', attempts: [], run: 'error', errorType: 'RangeError' });
  });
});

describe('the finish reason “interrupted”: the provider’s stream ended without its completion signal', () => {
  const finishReason = { unified: 'interrupted' as const, raw: undefined };

  /** A model that answers with half of a text. */
  function interrupted(text: string) {
    const parts = answerParts([text]).map((part) => (part.type === 'finish' ? { ...part, finishReason } : part));
    const model = localModel(() => streamOf(parts));
    const { doGenerate } = model;
    return Object.assign(model, {
      doGenerate: async (call: Parameters<typeof doGenerate>[0]) => ({
        ...(await doGenerate(call)),
        content: [{ type: 'text' as const, text }],
        finishReason,
      }),
    });
  }

  const CALLS: Record<string, () => Promise<unknown>> = {
    generateText: async () => generateText({ model: interrupted('Hel'), prompt }),
    streamText: () => readAll(stream(interrupted('Hel')).textStream),
    generateObject: async () => generateObject({ model: interrupted('{"city":"Lisbon"}'), prompt, schema: CITY }),
    streamObject: async () =>
      readAll(
        streamObject({ model: interrupted('{"city":"Lisbon"}'), prompt, schema: CITY, onError: () => {} })
          .partialObjectStream,
      ),
  };
  for (const [name, call] of Object.entries(CALLS)) {
    test(`makes the step and the run of ${name} an error`, async () => {
      const set = scene();
      await call().catch(() => {});
      const { step, run, errorType } = await outcome(set);
      assert.deepEqual([step, run, errorType], ['error', 'error', 'invalid_response']);
      assert.equal((await runOf(set)).attributes['runtrace.run.has_error'], true);
    });
  }

  test('is the same in a run of the application’s own, which goes on', async () => {
    const set = scene();
    await set.recorder.run({ kind: 'chat_turn' }, () => generateText({ model: interrupted('Hel'), prompt }));
    const { step, run, errorType } = await outcome(set);
    assert.deepEqual([step, run, errorType], ['error', 'completed', 'invalid_response']);
  });

  test('is not what a stream is that the caller stops', async () => {
    const set = scene();
    for await (const _piece of stream(localModel(() => streamOf(answerParts(Array(500).fill('Hel'))))).textStream)
      break;
    assert.equal((await outcome(set)).step, 'interrupted');
  });
});

describe('structured output', () => {
  const object = { city: 'Lisbon' };
  const output = Output.object({ schema: CITY });

  test('is marked as such', async () => {
    const set = scene();
    await generateText({ model: chat(ok({ text: JSON.stringify(object) })), prompt, output });
    assert.deepEqual(await outcome(set), { step: 'completed', attempts: ['200 completed'], run: 'completed' });
    assert.equal(only(set.steps()).attributes['gen_ai.output.type'], 'json');
  });

  test('that is not what was asked for leaves the step completed, and the run failed', async () => {
    const set = scene();
    await assert.rejects(generateText({ model: chat(ok({ text: 'Lisbon' })), prompt, output }));
    assert.deepEqual(await outcome(set), { step: 'completed', attempts: ['200 completed'], run: 'error' });
    assert.equal((await runOf(set)).attributes['runtrace.run.has_error'], false);
  });

  test('of generateObject is a step with all its tries', async () => {
    const set = scene();
    await generateObject({ model: chat(busy(), ok({ text: JSON.stringify(object) })), prompt, schema: CITY });
    assert.deepEqual(await outcome(set), {
      step: 'completed',
      attempts: ['429 failed', '200 completed'],
      run: 'completed',
    });
    assert.equal(only(set.steps()).attributes['gen_ai.output.type'], 'json');
  });

  test('of generateObject, asked without a recording fetch', async () => {
    const set = scene();
    const text = JSON.stringify(object);
    const model = Object.assign(localModel(), {
      doGenerate: async () => ({
        ...(await localModel().doGenerate({ prompt: [] })),
        content: [{ type: 'text', text }],
      }),
    });
    await generateObject({ model, prompt, schema: CITY });
    assert.deepEqual(await outcome(set), { step: 'completed', attempts: [], run: 'completed' });
    assert.equal(only(set.steps()).attributes['gen_ai.usage.output_tokens'], 17);
  });

  test('of generateObject that makes no sense fails the run', async () => {
    const set = scene();
    await assert.rejects(generateObject({ model: chat(ok({ text: 'Lisbon' })), prompt, schema: CITY }));
    assert.deepEqual(await outcome(set), { step: 'completed', attempts: ['200 completed'], run: 'error' });
  });

  test('of generateObject that is refused', async () => {
    const set = scene();
    await assert.rejects(generateObject({ model: chat(status(401)), prompt, schema: CITY }));
    assert.deepEqual(await outcome(set), {
      step: 'error',
      attempts: ['401 failed'],
      run: 'error',
      errorType: 'invalid_api_key',
    });
  });

  test('of streamObject is a step with all its tries', async () => {
    const set = scene();
    const { partialObjectStream } = streamObject({
      model: chat(busy(), ok({ text: JSON.stringify(object) })),
      prompt,
      schema: CITY,
    });
    for await (const _part of partialObjectStream);
    assert.deepEqual(await outcome(set), {
      step: 'completed',
      attempts: ['429 failed', '200 completed'],
      run: 'completed',
    });
  });

  test('of streamObject that is left', async () => {
    const set = scene();
    const text = JSON.stringify({ city: LONG.text });
    const { partialObjectStream } = streamObject({ model: chat(ok({ text })), prompt, schema: CITY });
    for await (const _part of partialObjectStream) break;
    assert.deepEqual(await outcome(set), { step: 'interrupted', attempts: ['200 aborted'], run: 'interrupted' });
  });
});

describe('embeddings', () => {
  /** An embeddings API that answers with these codes, one a request, and then 200. */
  function embeddings(...codes: number[]) {
    const fetch: typeof globalThis.fetch = async (_url, init) => {
      const code = codes.shift() ?? 200;
      const { input, model } = JSON.parse(String(init?.body)) as { input: string[]; model: string };
      const data = input.map((_text, index) => ({ object: 'embedding', index, embedding: [0.5, index] }));
      const body = code === 200 ? { object: 'list', data, model, usage: { prompt_tokens: 4, total_tokens: 4 } } : {};
      return Response.json(body, { status: code, headers: { 'retry-after-ms': '1' } });
    };
    return openai(wrapFetch(fetch)).embedding(nextModel());
  }

  test('of embed are a step with all its tries, in no run', async () => {
    const set = scene();
    const model = embeddings(429, 500);
    const { embedding } = await embed({ model, value: 'a text' });
    assert.deepEqual(embedding, [0.5, 0]);
    assert.deepEqual(await outcome(set), {
      step: 'completed',
      attempts: ['429 failed', '500 failed', '200 completed'],
      run: 'completed',
    });
    assert.equal(only(set.steps()).name, `embeddings ${model.modelId}`);
    assert.equal(only(set.steps()).attributes['gen_ai.usage.input_tokens'], 4);
  });

  test('of embed are a step of the run around it', async () => {
    const set = scene();
    await set.recorder.run({ kind: 'search' }, () => embed({ model: embeddings(429), value: 'a text' }));
    assert.deepEqual(attempts(only(set.steps())), ['429 failed', '200 completed']);
    assert.equal(only(set.runs()).name, 'invoke_workflow search');
  });

  test('of embed that are refused for good', async () => {
    const set = scene();
    await assert.rejects(embed({ model: embeddings(500, 500, 500), value: 'a text' }));
    const { step, run, errorType } = await outcome(set);
    assert.deepEqual([step, run, errorType], ['error', 'error', '500']);
  });

  test('of embedMany are a step for each of its calls, also at once', async () => {
    const set = scene();
    const model = Object.assign(embeddings(429, 200, 429), { maxEmbeddingsPerCall: 2 });
    const { embeddings: all } = await embedMany({ model, values: ['a', 'b', 'c', 'd', 'e'] });
    assert.equal(all.length, 5);
    assert.equal(statusOf(await runOf(set)), 'completed');
    assert.equal(set.steps().length, 3);
    const tried = set.steps().flatMap(attempts);
    assert.equal(tried.filter((attempt) => attempt === '200 completed').length, 3);
    assert.equal(tried.length, 5);
    for (const step of set.steps()) assert.equal(statusOf(step), 'completed');
  });

  test('of a model in this process are a step without attempts', async () => {
    const set = scene();
    const doEmbed = async () => ({ embeddings: [[1]], usage: { tokens: 3 }, warnings: [] });
    await embed({ model: new MockEmbeddingModelV4({ doEmbed }), value: 'a text' });
    assert.deepEqual(await outcome(set), { step: 'completed', attempts: [], run: 'completed' });
    assert.equal(only(set.steps()).attributes['gen_ai.usage.input_tokens'], 3);
  });
});
