import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { recordingFetch } from 'runtrace';
import { type Behaviour, hang, type Provider, stallMidStream, startProvider } from '../../../examples/demo/provider.js';
import { only, type ReadableSpan, traced } from '../../support/traced.js';

let provider: Provider;
before(async () => {
  provider = await startProvider();
});
after(() => provider.close());

let models = 0;
const outcomeOf = ({ attributes }: ReadableSpan) => [attributes['runtrace.status'], attributes['error.type']];
const TIMED_OUT = ['error', 'timeout'];
const STOPPED = ['interrupted', undefined];

describe('a timeout of the client, of which a header tells,', () => {
  /** What the caller does with the error of the call. */
  type Handler = (error: unknown) => void;
  const swallow: Handler = () => {};
  const rethrow: Handler = (error) => {
    throw error;
  };

  /** Calls as a client does that aborts without a reason. */
  async function recorded(
    abortAfter: number,
    onError: Handler = swallow,
    behaviour: Behaviour = hang(),
    header = 'x-server-timeout',
  ): Promise<{ run: ReadableSpan; step: ReadableSpan }> {
    const { recorder, runs, steps, provider: tracing } = traced();
    const model = `call.${++models}`;
    provider.script(model, behaviour);
    const run = recorder.run({ kind: 'chat_turn' }, async () => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), abortAfter);
      const ask = async () => {
        const response = await recordingFetch(`${provider.url}/v1/chat/completions`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', [header]: '1' },
          body: JSON.stringify({ model, messages: [], stream: true }),
          signal: controller.signal,
        });
        return response.text();
      };
      await ask().catch(onError);
    });
    await run.catch(() => {});
    await tracing.forceFlush();
    return { run: only(runs()), step: only(steps()) };
  }

  test('is an error if that time has passed', async () => {
    const { step } = await recorded(1000);
    assert.deepEqual(outcomeOf(step), TIMED_OUT);
  });

  test('is not taken for one if it has not', async () => {
    assert.deepEqual(outcomeOf((await recorded(100)).step), STOPPED);
  });

  test('is an error of the run too that throws what fetch threw', async () => {
    for (const span of Object.values(await recorded(1000, rethrow))) assert.deepEqual(outcomeOf(span), TIMED_OUT);
  });

  test('is an error in the middle of a stream if it covers the body, as that of @google/genai does', async () => {
    for (const span of Object.values(await recorded(1000, rethrow, stallMidStream())))
      assert.deepEqual(outcomeOf(span), TIMED_OUT);
  });

  test('is none in the middle of a stream if it ended with the headers: the caller aborts', async () => {
    const spans = await recorded(1000, rethrow, stallMidStream(), 'x-stainless-timeout');
    for (const span of Object.values(spans)) assert.deepEqual(outcomeOf(span), STOPPED);
  });
});
