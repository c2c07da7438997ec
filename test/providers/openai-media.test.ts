import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readModelCall } from '../../src/providers/detect.js';
import { modelCall, named, read, readBrokenOff } from './recorded.js';
import { record } from './wire.js';

const api = 'https://api.openai.com/v1';
const speech = { model: 'gpt-4o-mini-tts', input: 'Hi', voice: 'alloy' };

/** A call whose multipart body cannot be read. */
function multipart(path: string) {
  const call = readModelCall({ method: 'POST', url: new URL(`${api}/${path}`), body: undefined }, { content: true });
  assert.ok(call);
  return call;
}

describe('An image', () => {
  const call = modelCall({
    url: `${api}/images/generations`,
    request: { model: 'gpt-image-1', prompt: 'A cat', n: 2 },
  });
  const usage = { input_tokens: 10, output_tokens: 200, total_tokens: 210, input_tokens_details: { text_tokens: 10 } };

  it('is asked for with its model and prompt', () => {
    assert.equal(call.operation, 'generate_content');
    assert.deepEqual(call.request, {
      model: 'gpt-image-1',
      choiceCount: 2,
      outputType: 'image',
      messages: [{ role: 'user', parts: [{ type: 'text', content: 'A cat' }] }],
    });
    assert.equal(multipart('images/edits').request.outputType, 'image');
  });

  it('is read whole and streamed, cut in two at every byte', () => {
    const streamed = named(
      { type: 'image_generation.partial_image', b64_json: 'AAAA', partial_image_index: 0 },
      { type: 'image_generation.completed', b64_json: 'AAAA', usage },
    );
    for (const body of [JSON.stringify({ created: 1, data: [{ b64_json: 'AAAA' }], usage }), streamed]) {
      const bytes = new TextEncoder().encode(body);
      for (let cut = 0; cut <= bytes.length; cut++) {
        const answer = read(call, [bytes.subarray(0, cut), bytes.subarray(cut)]);
        assert.deepEqual([answer.complete, answer.usage], [true, { inputTokens: 10, outputTokens: 200 }]);
      }
    }
    const partial = streamed.slice(0, streamed.indexOf('event: image_generation.completed'));
    assert.equal(read(call, [partial]).complete, false);
  });

  it('may be an error', () => {
    const error = { type: 'image_generation_user_error', code: 'moderation_blocked', message: 'No' };
    for (const body of [JSON.stringify({ error }), named({ type: 'error', error })]) {
      assert.deepEqual(read(call, [body]).error, { code: 'moderation_blocked', message: 'No' });
    }
    assert.equal(read(call, ['{}']).complete, false);
  });
});

describe('Speech', () => {
  const call = modelCall({ url: `${api}/audio/speech`, request: speech });
  const audio = Uint8Array.from({ length: 1000 }, (_, index) => (index * 7) % 256);

  it('is audio, which is complete at its end', () => {
    assert.equal(call.request.outputType, 'speech');
    for (const first of [0xff, 0x49, 0x52, 0x4f, 0x00, 0x64]) {
      const body = audio.with(0, first);
      assert.equal(read(call, [body.subarray(0, 500), body.subarray(500)]).complete, true, `first byte ${first}`);
      assert.equal(readBrokenOff(call, [body]).complete, false);
    }
    assert.equal(read(call, []).complete, false);
  });

  it("may be a text in JSON, as Mistral's", () => {
    assert.equal(read(call, ['{"audio_data":"AAAA"}']).complete, true);
    assert.equal(readBrokenOff(call, ['{"audio_data":"AA']).complete, false);
  });

  it('is streamed as events too', () => {
    const events = named(
      { type: 'speech.audio.delta', audio: 'AAAA' },
      { type: 'speech.audio.done', usage: { input_tokens: 3, output_tokens: 40 } },
    );
    const streamed = modelCall({ url: `${api}/audio/speech`, request: { ...speech, stream_format: 'sse' } });
    assert.equal(streamed.streaming, true);
    const answer = read(streamed, [events]);
    assert.deepEqual([answer.complete, answer.usage], [true, { inputTokens: 3, outputTokens: 40 }]);
    assert.equal(read(streamed, [named({ type: 'speech.audio.delta', audio: 'AAAA' })]).complete, false);
  });

  it('may be an error', () => {
    assert.equal(read(call, ['{"error":{"code":"invalid_voice","message":"No"}}']).error?.code, 'invalid_voice');
  });

  it('is recorded as the step of a run', async () => {
    const wire = { path: '/v1/audio/speech', request: speech, contentType: 'audio/mpeg', body: audio.with(0, 0xff) };
    const { step } = await record(wire, (response) => response.arrayBuffer());
    assert.deepEqual([step['runtrace.status'], step['gen_ai.request.model']], ['completed', 'gpt-4o-mini-tts']);
  });
});

describe('A transcription', () => {
  const call = multipart('audio/transcriptions');
  const usage = { type: 'tokens', input_tokens: 14, output_tokens: 45, total_tokens: 59 };

  it('is read as JSON, as events and as plain text', () => {
    const events = named(
      { type: 'transcript.text.delta', delta: 'Grü' },
      { type: 'transcript.text.delta', delta: 'ße' },
      { type: 'transcript.text.done', text: 'Grüße', usage },
    );
    for (const body of [JSON.stringify({ text: 'Grüße', usage }), events]) {
      const answer = read(call, [body]);
      assert.deepEqual([answer.complete, answer.usage], [true, { inputTokens: 14, outputTokens: 45 }]);
      assert.deepEqual(answer.response.messages?.[0]?.parts, [{ type: 'text', content: 'Grüße' }]);
    }
    const ofMistral = named(
      { type: 'transcription.language', audio_language: 'de' },
      { type: 'transcription.text.delta', text: 'Grüße' },
      {
        type: 'transcription.done',
        model: 'voxtral',
        text: 'Grüße',
        usage: { prompt_tokens: 14, completion_tokens: 45 },
      },
    );
    const answer = read(call, [ofMistral]);
    assert.deepEqual([answer.complete, answer.response.model], [true, 'voxtral']);
    assert.deepEqual(answer.usage, { inputTokens: 14, outputTokens: 45 });
    assert.deepEqual(answer.response.messages?.[0]?.parts, [{ type: 'text', content: 'Grüße' }]);
    assert.equal(read(call, ['WEBVTT\n\n00:00 --> 00:01\nHi']).complete, true);
    assert.equal(read(call, ['1\n00:00 --> 00:01\nHi']).complete, true);
    assert.equal(read(call, ['data: {"type":"transcript.text.delta","delta":"Hi"}\n\n']).complete, false);
    const seconds = read(multipart('audio/translations'), ['{"text":"Hi","usage":{"type":"duration","seconds":2}}']);
    assert.deepEqual([seconds.complete, seconds.usage], [true, {}]);
  });
});

describe('A page in place of an answer', () => {
  it('is no image, no sound, no transcript and no moderation', () => {
    const paths = ['images/generations', 'audio/speech', 'moderations', 'decisions'];
    const calls = paths.map((path) => modelCall({ url: `${api}/${path}`, request: { model: 'm', input: 'Hi' } }));
    for (const call of [...calls, multipart('audio/transcriptions')]) {
      for (const page of ['<!DOCTYPE html><p>Sign in</p>', '\n<html><body></body></html>']) {
        assert.equal(read(call, [page]).complete, false, `${call.operation}: ${page}`);
      }
    }
  });
});

describe('A decision', () => {
  it('is complete with its answers', () => {
    const request = { model: 'gpt-5', input: 'Hi', questions: [{ type: 'predicate' }] };
    const call = modelCall({ url: `${api}/decisions`, request });
    const usage = { input_tokens: 14, output_tokens: 1, total_tokens: 15 };
    const answer = read(call, [JSON.stringify({ model: 'gpt-5-1', answers: [{ probability: 0.5 }], usage })]);
    assert.deepEqual([answer.complete, answer.response.model], [true, 'gpt-5-1']);
    assert.deepEqual(answer.usage, { inputTokens: 14, outputTokens: 1 });
  });
});

describe('A moderation', () => {
  it('has a message for each of its texts', () => {
    const { request } = modelCall({ url: `${api}/moderations`, request: { input: ['Hi', 'Ho'] } });
    assert.deepEqual(
      request.messages?.map(({ parts }) => parts),
      [[{ type: 'text', content: 'Hi' }], [{ type: 'text', content: 'Ho' }]],
    );
  });

  it('is complete with its results', () => {
    const call = modelCall({ url: `${api}/moderations`, request: { model: 'omni-moderation-latest', input: 'Hi' } });
    const answer = read(call, [JSON.stringify({ id: 'modr-1', model: 'omni-1', results: [{ flagged: false }] })]);
    assert.deepEqual([call.operation, answer.complete, answer.response.model], ['moderation', true, 'omni-1']);
    assert.equal(read(call, ['{"detail":"No"}']).error?.message, 'No');
  });
});

describe('A compacted conversation', () => {
  it('is read as a response', () => {
    const call = modelCall({ url: `${api}/responses/compact`, request: { model: 'gpt-5', input: [] } });
    const body = {
      id: 'resp_1',
      object: 'response.compaction',
      output: [{ type: 'compaction', encrypted_content: 'x' }],
      usage: { input_tokens: 900, output_tokens: 40 },
    };
    const answer = read(call, [JSON.stringify(body)]);
    assert.deepEqual([answer.complete, answer.usage], [true, { inputTokens: 900, outputTokens: 40 }]);
  });
});
