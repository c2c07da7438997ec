import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readModelCall } from '../../src/providers/detect.js';
import { everyKind, modelCall, read, readBrokenOff } from './recorded.js';

const lineEnds = { LF: '\n', CRLF: '\r\n', CR: '\r' };

for (const recorded of everyKind) {
  for (const [name, lineEnd] of Object.entries(lineEnds)) {
    for (const content of lineEnd === '\n' ? [true, false] : [true]) {
      describe(`${recorded.name}, lines that end with ${name}, ${content ? 'with' : 'without'} content`, () => {
        const call = modelCall(recorded, content);
        const bytes = new TextEncoder().encode(
          `\ufeff${recorded.body.replaceAll('\r\n', '\n').replaceAll('\n', lineEnd)}`,
        );
        const whole = read(call, [bytes]);

        it('is understood', () => {
          assert.equal(whole.complete, true);
          assert.ok(whole.usage.outputTokens);
          assert.equal(whole.error, undefined);
        });

        it('reads the same, cut in two at every byte', () => {
          for (let cut = 0; cut <= bytes.length; cut++) {
            assert.deepEqual(read(call, [bytes.subarray(0, cut), bytes.subarray(cut)]), whole, `cut at byte ${cut}`);
          }
        });

        it('reads the same, byte by byte', () => {
          assert.deepEqual(
            read(
              call,
              Array.from(bytes, (byte) => Uint8Array.of(byte)),
            ),
            whole,
          );
        });

        it('reads the same, cut anywhere', () => {
          fc.assert(
            fc.property(fc.uniqueArray(fc.nat(bytes.length), { maxLength: 30 }), (cuts) => {
              const edges = [0, ...cuts.sort((first, second) => first - second), bytes.length];
              const chunks = edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
              assert.deepEqual(read(call, chunks), whole);
            }),
            { numRuns: 30 },
          );
        });

        it('is not complete in its first half, broken off or ended', () => {
          for (let cut = 0; cut < bytes.length / 2; cut += 7) {
            const broken = readBrokenOff(call, [bytes.subarray(0, cut)]);
            assert.equal(broken.complete, false, `broken off at byte ${cut}`);
            assert.equal(read(call, [bytes.subarray(0, cut)]).complete, false, `ended at byte ${cut}`);
          }
        });
      });
    }
  }
}

describe('Any input', () => {
  const calls = everyKind.flatMap((recorded) => [modelCall(recorded, true), modelCall(recorded, false)]);

  /** Names that the readers look for, with values that they don't. */
  const key = fc.constantFrom(
    ...'id model choices index delta message content role tool_calls function arguments usage prompt_tokens error code'.split(
      ' ',
    ),
    ...'type response output item output_index content_block candidates parts usageMetadata finishReason text'.split(
      ' ',
    ),
    ...'finish_reason status summary annotations source data name __proto__ constructor toString length'.split(' '),
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof({ maxDepth: 5 }, tie('leaf'), tie('list'), tie('record')),
    leaf: fc.oneof(
      fc.constantFrom(null, true, '', 'tool_use', 'text', 'message_start', 'response.completed', -1, 1e21, 0.5),
      fc.string(),
      fc.integer(),
    ),
    list: fc.array(tie('tree'), { maxLength: 4 }),
    record: fc.array(fc.tuple(key, tie('tree')), { maxLength: 6 }).map((entries) => Object.fromEntries(entries)),
  }));
  const json = fc
    .oneof(
      tree,
      fc.json({ maxDepth: 3 }).map((value) => JSON.parse(value)),
    )
    .map((value) => JSON.stringify(value));
  const eventName = fc.constantFrom(
    ...[
      '',
      'error',
      'message_start',
      'message_delta',
      'content_block_start',
      'content_block_delta',
      'response.completed',
    ],
    ...['response.output_item.added', 'response.output_item.done', 'response.output_text.delta', 'response.failed'],
  );
  const event = fc.tuple(eventName, json).map(([name, value]) => `event: ${name}\ndata: ${value}\n\n`);

  it('no reader throws on events of any shape, and no counter is anything but a number', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 8 }), fc.constantFrom(...calls), (events, call) => {
        const answer = read(call, events);
        for (const counter of Object.values(answer.usage)) assert.ok(Number.isFinite(counter) && counter >= 0);
        JSON.stringify(answer);
      }),
      { numRuns: 2000 },
    );
  });

  it('no reader throws on a whole answer of any shape', () => {
    fc.assert(
      fc.property(json, fc.constantFrom(...calls), (body, call) => {
        JSON.stringify(read(call, [body]));
      }),
      { numRuns: 2000 },
    );
  });

  it('no reader throws on bytes of any kind', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), fc.constantFrom(...calls), (chunks, call) => {
        assert.equal(read(call, chunks).usage.inputTokens, undefined);
      }),
      { numRuns: 500 },
    );
  });

  it('no request throws', () => {
    fc.assert(
      fc.property(json, fc.constantFrom(...everyKind), fc.boolean(), (body, { url, request }, content) => {
        readModelCall({ method: 'POST', url: new URL(url), body }, { content });
        const mixed = JSON.stringify({
          ...JSON.parse(body),
          ...request,
          messages: [JSON.parse(body)],
          input: [JSON.parse(body)],
        });
        JSON.stringify(readModelCall({ method: 'POST', url: new URL(url), body: mixed }, { content })?.request);
      }),
      { numRuns: 1000 },
    );
  });

  it('a key like __proto__ changes nothing but the answer', () => {
    const body =
      '{"__proto__":{"polluted":1},"id":"x","model":"m","choices":[{"index":"__proto__","message":{"content":"hi",' +
      '"tool_calls":[{"id":"1","function":{"name":"__proto__","arguments":"{\\"__proto__\\":{\\"polluted\\":1}}"}}]}}]}';
    for (const call of calls) read(call, [body]);
    for (const call of calls) read(call, [`data: ${body}\n\n`]);
    assert.equal(({} as { polluted?: number }).polluted, undefined);
  });

  it('deep nesting throws nothing', () => {
    const deep = `${'[{"content":'.repeat(20_000)}1${'}]'.repeat(20_000)}`;
    for (const call of calls) {
      read(call, [`{"choices":${deep},"content":${deep},"output":${deep},"candidates":${deep}}`]);
      read(call, [`data: {"type":"response.completed","response":{"output":${deep}},"choices":${deep}}\n\n`]);
    }
    for (const { url } of everyKind) {
      readModelCall(
        {
          method: 'POST',
          url: new URL(url),
          body: `{"messages":${deep},"input":${deep},"contents":${deep},"max_tokens":1}`,
        },
        { content: true },
      );
    }
  });
});
