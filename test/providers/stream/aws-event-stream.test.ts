import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AwsEventStream } from '../../../src/providers/stream/aws-event-stream.js';
import { awsException, awsMessage } from './aws-messages.js';

function readAll(chunks: Iterable<Uint8Array>, maxLength = 10_000) {
  const events: [name: string, data: string][] = [];
  const stream = new AwsEventStream((name, data) => events.push([name, data]), maxLength);
  for (const chunk of chunks) {
    const given = new Uint8Array(chunk);
    stream.pushBytes(given);
    given.fill(0x7b);
  }
  return { events, dropped: stream.dropped };
}

const bytes: Uint8Array = Buffer.concat([
  awsMessage('messageStart', { role: 'assistant' }),
  awsMessage('contentBlockDelta', { delta: { text: 'Grüße 🌦️' } }),
  awsMessage('empty'),
  awsException('throttlingException', { message: 'Too many' }),
]);
const events = [
  ['messageStart', '{"role":"assistant"}'],
  ['contentBlockDelta', '{"delta":{"text":"Grüße 🌦️"}}'],
  ['empty', ''],
  ['error', '{"message":"Too many","code":"throttlingException"}'],
];

describe('An AWS event stream', () => {
  it('has its events and exceptions, cut in two at every byte', () => {
    for (let cut = 0; cut <= bytes.length; cut++) {
      const read = readAll([bytes.subarray(0, cut), bytes.subarray(cut)]);
      assert.deepEqual(read, { events, dropped: 0 }, `cut at byte ${cut}`);
    }
  });

  it('is read byte by byte', () => {
    assert.deepEqual(readAll(Array.from(bytes, (byte) => Uint8Array.of(byte))).events, events);
  });

  it('drops and counts a message that is too long, cut anywhere, and reads the next one', () => {
    const long = awsMessage('long', { text: 'x'.repeat(500) });
    const all = Buffer.concat([long, awsMessage('next', {}), long]);
    for (let cut = 0; cut <= all.length; cut += 7) {
      const read = readAll([all.subarray(0, cut), all.subarray(cut)], 400);
      assert.deepEqual(read, { events: [['next', '{}']], dropped: 2 }, `cut at byte ${cut}`);
    }
  });

  it('takes no other bytes for messages', () => {
    const random = Buffer.from('00ff8d1f7b22c328a0a1f09f98', 'hex');
    assert.deepEqual(readAll([random, bytes]), { events: [], dropped: 0 });
    assert.deepEqual(readAll([Buffer.alloc(100)]), { events: [], dropped: 0 });
  });

  it('does not throw on headers that are cut off or of an unknown type', () => {
    for (let type = 0; type < 256; type++) {
      const broken = awsMessage('x', {});
      broken[12 + 1 + ':event-type'.length] = type;
      assert.equal(readAll([broken]).dropped, 0);
    }
  });
});
