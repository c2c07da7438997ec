import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RepeatedEvent } from '../../../src/providers/stream/repeated-event.js';
import { data, modelCall, named, read } from '../recorded.js';

const LONG = { numRuns: 2000 };
const pieces = fc.constantFrom(
  'a',
  ' word',
  'é😀',
  '"',
  '\\',
  '\n',
  'null}',
  '"},"finish_reason":"stop',
  ',"obfuscation":"',
  '',
);
const texts = fc.array(pieces, { maxLength: 4 }).map((list) => list.join(''));

describe('An event that repeats an earlier one', () => {
  const padding = fc.option(fc.stringMatching(/^[A-Za-z0-9]{0,8}$/), { nil: undefined });
  const given = fc.record({
    text: texts,
    id: fc.constantFrom('c1', 'c1', 'c2', 'x"y'),
    other: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, texts),
    padding,
    number: fc.constantFrom(undefined, 0, 7, 8, 10, 123, -1, 1.5),
    blank: fc.constantFrom('', ' '),
  });
  type Given = typeof given extends fc.Arbitrary<infer T> ? T : never;
  const event = ({ text, id, other, padding: obfuscation, number: sequence_number, blank }: Given) => {
    const more = other === undefined ? {} : { more: { content: other } };
    const list = [{ content: text, ...more }];
    return JSON.stringify({ id, sequence_number, list, obfuscation }).replaceAll(':"', `:${blank}"`);
  };
  /** Half of the later events differ in their text, number and padding only. */
  const pairs = fc.tuple(given, given, fc.boolean()).map(([earlier, later, isLike]) => {
    const { text } = later;
    const padding = earlier.padding && (later.padding ?? 'x');
    const number = earlier.number && (later.number ?? 8);
    return [event(earlier), event(isLike ? { ...earlier, text, padding, number } : later)] as const;
  });

  it('has the text that parsing finds, and no other difference', () => {
    let repeated = 0;
    fc.assert(
      fc.property(pairs, ([earlier, later]) => {
        const repeating = new RepeatedEvent('content');
        repeating.learn(earlier);
        const text = repeating.textOf(later);
        if (text === undefined) return;
        repeated++;
        const [before, after] = [JSON.parse(earlier), JSON.parse(later)];
        assert.equal(after.list[0].content, text);
        before.list[0].content = text;
        const same = { obfuscation: '', sequence_number: 0 };
        assert.deepEqual({ ...before, ...same }, { ...after, ...same });
      }),
      LONG,
    );
    assert.ok(repeated > LONG.numRuns / 100, `${repeated} of ${LONG.numRuns} pairs`);
  });

  it('is recognized behind the padding of OpenAI, and with blanks', () => {
    const event = new RepeatedEvent('content');
    event.learn('{"delta": {"content" : "Hi"}, "end": null,"obfuscation":"a1"}');
    assert.equal(event.textOf('{"delta": {"content" : " there"}, "end": null,"obfuscation":"zzzz"}'), ' there');
    assert.equal(event.textOf('{"delta": {"content" : " there"}, "end": 1,"obfuscation":"zzzz"}'), undefined);
    assert.equal(event.textOf('{"delta": {"content" : " \\n"}, "end": null,"obfuscation":"zzzz"}'), undefined);
    assert.equal(event.textOf('{"delta": {"content" : " there'), undefined);
  });

  it('has a number where the earlier one had one', () => {
    const event = new RepeatedEvent('delta');
    event.learn('{"sequence_number":9,"delta":"Hi"}');
    assert.equal(event.textOf('{"sequence_number":10,"delta":" there"}'), ' there');
    for (const number of ['', '01', '-1', '1.5']) {
      assert.equal(event.textOf(`{"sequence_number":${number},"delta":" there"}`), undefined);
    }
  });
});

/** The same events, each with a field of its own: none repeats another one. */
function unlike<T extends object>(events: readonly T[]): T[] {
  return events.map((event, index) => ({ ...event, index_of_test: index }));
}

/** All events in one chunk, one event a chunk, two a chunk, and cut inside of events. */
function waysToSend<T>(events: readonly T[], write: (...events: T[]) => string): Uint8Array[][] {
  const encode = (text: string) => new TextEncoder().encode(text);
  const all = encode(write(...events));
  const each = events.map((event) => encode(write(event)));
  const pairs = Array.from({ length: Math.ceil(events.length / 2) }, (_, at) => events.slice(at * 2, at * 2 + 2));
  const cut = each.flatMap((event, at) => (at % 3 === 0 ? [event.subarray(0, 90), event.subarray(90)] : [event]));
  const even = Array.from({ length: Math.ceil(all.length / 97) }, (_, at) => all.subarray(at * 97, (at + 1) * 97));
  return [[all], each, pairs.map((pair) => encode(write(...pair))), cut, even];
}

describe('A stream of events that repeat each other', () => {
  it('of Chat Completions is read as if each chunk was parsed', () => {
    const deltas = fc.oneof(
      { weight: 5, arbitrary: texts.map((content) => ({ content })) },
      texts.map((content) => ({ content, reasoning_content: 'why' })),
      texts.map((reasoning_content) => ({ content: '', reasoning_content })),
      texts.map((content) => ({ role: 'assistant', content })),
      fc.constant({ content: 'call', tool_calls: [{ index: 0, id: 't', function: { name: 'f', arguments: '{}' } }] }),
    );
    const chunk = fc.record({
      delta: deltas,
      index: fc.constantFrom(0, 0, 0, 1),
      finish_reason: fc.constantFrom(null, null, null, null, 'stop'),
      usage: fc.constantFrom(null, null, null, { prompt_tokens: 1, completion_tokens: 2 }),
      obfuscation: fc.constantFrom(undefined, 'a', 'bc'),
    });
    const chunks = fc.array(
      chunk.map(({ usage, obfuscation, ...choice }) => ({
        id: 'c',
        model: 'm',
        choices: [choice],
        usage,
        obfuscation,
      })),
    );
    for (const content of [true, false]) {
      const url = 'https://api.openai.com/v1/chat/completions';
      const call = modelCall({ url, request: { model: 'm', messages: [], stream: true, n: 2 } }, content);
      fc.assert(
        fc.property(chunks, (list) => {
          const parsed = read(call, [data(...unlike(list))]);
          for (const chunks of waysToSend(list, data)) assert.deepEqual(read(call, chunks), parsed);
        }),
        { numRuns: 500 },
      );
    }
  });

  it('of the Responses is read as if each event was parsed', () => {
    const types = ['output_text', 'refusal', 'reasoning_text', 'function_call_arguments', 'unknown'];
    const event = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({
          type: fc.constantFrom(...types).map((type) => `response.${type}.delta`),
          sequence_number: fc.nat(12),
          item_id: fc.constantFrom('i', 'i', 'j'),
          output_index: fc.constantFrom(0, 0, 1),
          delta: texts,
          logprobs: fc.constant([]),
          obfuscation: fc.constantFrom(undefined, 'a', 'bc', 'sk-1'),
        }),
      },
      fc.record({
        type: fc.constantFrom('response.output_item.added', 'response.output_item.done'),
        output_index: fc.nat(1),
        item: fc.constantFrom(
          { type: 'message', id: 'i', content: [{ type: 'output_text', text: 'all' }] },
          { type: 'function_call', id: 'j', call_id: 'c', name: 'f', arguments: '{}' },
        ),
      }),
      fc.constant({ type: 'response.output_text.delta', error: { code: 'server_error' } }),
    );
    const url = 'https://api.openai.com/v1/responses';
    for (const content of [true, false]) {
      const call = modelCall({ url, request: { model: 'm', input: 'hi', stream: true } }, content);
      fc.assert(
        fc.property(fc.array(event), (list) => {
          const parsed = read(call, [named(...unlike(list))]);
          for (const chunks of waysToSend(list, named)) assert.deepEqual(read(call, chunks), parsed);
        }),
        { numRuns: 500 },
      );
    }
  });

  it('of Anthropic is read as if each delta was parsed', () => {
    const deltas = fc.oneof(
      { weight: 5, arbitrary: texts.map((text) => ({ type: 'text_delta', text })) },
      texts.map((thinking) => ({ type: 'thinking_delta', thinking })),
      texts.map((partial_json) => ({ type: 'input_json_delta', partial_json })),
    );
    const events = fc.array(
      fc.oneof(
        {
          weight: 6,
          arbitrary: fc.record({ type: fc.constant('content_block_delta'), index: fc.nat(1), delta: deltas }),
        },
        fc.record({
          type: fc.constant('content_block_start'),
          index: fc.nat(1),
          content_block: fc.constantFrom({ type: 'text', text: '' }, { type: 'thinking', thinking: '' }),
        }),
      ),
    );
    const url = 'https://api.anthropic.com/v1/messages';
    for (const content of [true, false]) {
      const call = modelCall({ url, request: { model: 'm', max_tokens: 9, messages: [], stream: true } }, content);
      fc.assert(
        fc.property(events, (list) => {
          const parsed = read(call, [named(...unlike(list))]);
          for (const chunks of waysToSend(list, named)) assert.deepEqual(read(call, chunks), parsed);
        }),
        { numRuns: 500 },
      );
    }
  });
});
