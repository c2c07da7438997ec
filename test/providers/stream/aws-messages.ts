/** Writes messages of an AWS event stream, as `vnd.amazon.eventstream` defines them. */

/** An event with a JSON payload; without one, the payload is empty. */
export function awsMessage(eventType: string, payload?: object): Buffer {
  return message({ ':event-type': eventType, ':content-type': 'application/json', ':message-type': 'event' }, payload);
}

/** An exception with a JSON payload. */
export function awsException(exceptionType: string, payload: object): Buffer {
  return message({ ':exception-type': exceptionType, ':message-type': 'exception' }, payload);
}

function message(headers: Record<string, string>, payload: object | undefined): Buffer {
  const head = Buffer.concat(
    Object.entries(headers).map(([name, value]) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(Buffer.byteLength(value));
      return Buffer.concat([Buffer.of(name.length), Buffer.from(name), Buffer.of(7), length, Buffer.from(value)]);
    }),
  );
  const body = Buffer.from(payload === undefined ? '' : JSON.stringify(payload));
  const prelude = Buffer.alloc(12);
  prelude.writeUInt32BE(16 + head.length + body.length);
  prelude.writeUInt32BE(head.length, 4);
  prelude.writeUInt32BE(checksum(prelude.subarray(0, 8)), 8);
  const unsigned = Buffer.concat([prelude, head, body]);
  const end = Buffer.alloc(4);
  end.writeUInt32BE(checksum(unsigned));
  return Buffer.concat([unsigned, end]);
}

function checksum(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
