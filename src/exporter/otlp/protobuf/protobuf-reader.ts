/** One field of a Protobuf message. A varint is a bigint; a length-delimited field is its bytes; fixed numbers are their bytes. */
export interface ProtobufField {
  number: number;
  value: bigint | Uint8Array;
}

/**
 * Reads the fields of a message, without knowing its schema. Used for the few small messages that a backend answers with.
 *
 * @throws RangeError if the bytes are no Protobuf message.
 */
export function readProtobuf(bytes: Uint8Array): ProtobufField[] {
  const fields: ProtobufField[] = [];
  let position = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[position++];
      if (byte === undefined) throw new RangeError('a Protobuf message is cut off');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a Protobuf varint is too long');
  };
  const take = (length: number): Uint8Array => {
    if (position + length > bytes.length) throw new RangeError('a Protobuf message is cut off');
    position += length;
    return bytes.subarray(position - length, position);
  };
  while (position < bytes.length) {
    const tag = Number(varint());
    const number = Math.floor(tag / 8);
    if (number < 1) throw new RangeError('a Protobuf field has no number');
    const wireType = tag % 8;
    if (wireType === 0) fields.push({ number, value: varint() });
    else if (wireType === 1) fields.push({ number, value: take(8) });
    else if (wireType === 2) fields.push({ number, value: take(Number(varint())) });
    else if (wireType === 5) fields.push({ number, value: take(4) });
    else throw new RangeError('a Protobuf field has an unknown type');
  }
  return fields;
}

/** The last field with that number, if it is length-delimited: Protobuf lets the last one count. */
export function bytesField(fields: readonly ProtobufField[], number: number): Uint8Array | undefined {
  const value = fields.findLast((field) => field.number === number)?.value;
  return value instanceof Uint8Array ? value : undefined;
}

/** The last field with that number as a signed integer; 0, Protobuf's default, if there is none. */
export function integerField(fields: readonly ProtobufField[], number: number): number {
  const value = fields.findLast((field) => field.number === number)?.value;
  return typeof value === 'bigint' ? Number(BigInt.asIntN(64, value)) : 0;
}

/** The last field with that number as text; empty, Protobuf's default, if there is none. */
export function textField(fields: readonly ProtobufField[], number: number): string {
  return Buffer.from(bytesField(fields, number) ?? []).toString('utf8');
}
