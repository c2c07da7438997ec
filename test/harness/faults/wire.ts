/** As much of Protobuf as a backend needs that keeps only the ids of spans. */

/** The ids of the spans of an ExportTraceServiceRequest. Throws if it is none. */
export function spanIdsOf(request: Uint8Array): string[] {
  const ids: string[] = [];
  for (const resourceSpans of messages(request, 1)) {
    for (const scopeSpans of messages(resourceSpans, 2)) {
      for (const span of messages(scopeSpans, 2)) {
        const [id] = messages(span, 2);
        if (id?.length !== 8) throw new RangeError(`a span has an id of ${id?.length} bytes`);
        ids.push(Buffer.from(id).toString('hex'));
      }
    }
  }
  return ids;
}

/** The length-delimited fields of that number. */
function messages(bytes: Uint8Array, wanted: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError('the message is cut off');
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const type = tag % 8;
    if (type === 0) varint();
    else if (type === 1) at += 8;
    else if (type === 5) at += 4;
    else if (type === 2) {
      const length = varint();
      if (at + length > bytes.length) throw new RangeError('the message is cut off');
      if (tag >>> 3 === wanted) found.push(bytes.subarray(at, at + length));
      at += length;
    } else throw new RangeError(`wire type ${type} is unknown`);
  }
  return found;
}

export function varintMessage(number: number, value: number): Buffer {
  return Buffer.from([...varintBytes(number * 8), ...varintBytes(value)]);
}

export function bytesMessage(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([...varintBytes(number * 8 + 2), ...varintBytes(bytes.length)]), bytes]);
}

export function textMessage(number: number, text: string): Buffer {
  return bytesMessage(number, Buffer.from(text, 'utf8'));
}

function varintBytes(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}
