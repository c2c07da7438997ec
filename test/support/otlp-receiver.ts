import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { decodeOtlpProtobuf } from './otlp-protobuf.js';

/** An attribute value, as plain JavaScript. */
export type ReceivedValue = string | number | boolean | Uint8Array | undefined | ReceivedValue[] | ReceivedAttributes;
export interface ReceivedAttributes {
  [key: string]: ReceivedValue;
}

export interface ReceivedEvent {
  name: string;
  timeUnixNano: bigint;
  attributes: ReceivedAttributes;
}

/** A span that passed every check, as plain JavaScript. */
export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  name: string;
  /** OTLP's: 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  kind: number;
  startTimeUnixNano: bigint;
  endTimeUnixNano: bigint;
  attributes: ReceivedAttributes;
  events: ReceivedEvent[];
  links: { traceId: string; spanId: string; attributes: ReceivedAttributes }[];
  status: { code: number; message: string | undefined };
  droppedAttributesCount: number;
  droppedEventsCount: number;
  resource: ReceivedAttributes;
  scope: string;
}

/** What to do with a request instead of taking it. */
export type Fault =
  | { kind: 'status'; status: number; headers?: Record<string, string>; body?: string }
  /** Answers 413 if the uncompressed body is larger. */
  | { kind: 'tooLarge'; maxBytes: number }
  /** Takes the spans, sends half of the answer's head and body, and resets the connection. */
  | { kind: 'resetInResponse' }
  /** Resets the connection when the request has been read; takes nothing. */
  | { kind: 'reset' }
  /** Reads the request and never answers; takes nothing. */
  | { kind: 'silent' }
  /** Answers with bytes that are no HTTP; takes nothing. */
  | { kind: 'garbage' }
  /** Takes all but `rejected` spans and says so. */
  | { kind: 'partial'; rejected: number }
  /** Answers as well as ever, after a while. */
  | { kind: 'slow'; delayMillis: number };

export interface ReceivedRequest {
  atMillis: number;
  headers: IncomingMessage['headers'];
  compressedBytes: number;
  uncompressedBytes: number;
  /** How many spans it had, taken or not; 0 if it could not be read. */
  spanCount: number;
  /** What the answer was; 0 for none. */
  status: number;
}

export interface OtlpReceiverOptions {
  /** Asked for each request, with its number from 0; `undefined` takes it. */
  fault?: (requestNumber: number) => Fault | undefined;
  /** Whether a request without gzip is a violation. Default: true. */
  requireGzip?: boolean;
  /** Default: any free one. */
  port?: number;
}

/** A strict OTLP/HTTP receiver, for Protobuf and JSON: everything that a picky backend could refuse is a violation. */
export interface OtlpReceiver {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly endpoint: string;
  /** For the option `url`. */
  readonly url: string;
  readonly requests: readonly ReceivedRequest[];
  /** What was wrong with the requests, with the path to it. Empty is good. */
  readonly violations: readonly string[];
  /** May be changed at any time. */
  fault: OtlpReceiverOptions['fault'];
  /** Every span that was taken, duplicates too. */
  spans(): readonly ReceivedSpan[];
  close(): Promise<void>;
}

export async function startOtlpReceiver(options: OtlpReceiverOptions = {}): Promise<OtlpReceiver> {
  const { requireGzip = true, port = 0 } = options;
  const spans: ReceivedSpan[] = [];
  const violations: string[] = [];
  const requests: ReceivedRequest[] = [];
  const sockets = new Set<Socket>();
  let requestNumber = 0;

  const server: Server = createServer((request, response) => {
    const number = requestNumber++;
    void handle(request, response, number).catch((error: unknown) => violations.push(`request ${number}: ${error}`));
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });

  async function handle(request: IncomingMessage, response: ServerResponse, number: number): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return; // The client went away in the middle of its request.
    }
    const compressed = Buffer.concat(chunks);
    const read = readRequest(request, compressed, requireGzip);
    const record: ReceivedRequest = {
      atMillis: Date.now(),
      headers: request.headers,
      compressedBytes: compressed.length,
      uncompressedBytes: read.uncompressedBytes,
      spanCount: read.spans.length,
      status: 0,
    };
    requests.push(record);
    violations.push(...read.violations.map((violation) => `request ${number}: ${violation}`));

    const answer = (status: number, body: string, headers: Record<string, string> = {}) => {
      record.status = status;
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
    };
    const take = () => spans.push(...read.spans);
    const fault = receiver.fault?.(number);
    switch (fault?.kind) {
      case 'status':
        return answer(fault.status, fault.body ?? '{}', fault.headers);
      case 'tooLarge':
        if (read.uncompressedBytes > fault.maxBytes) return answer(413, '{"message":"request body too large"}');
        break;
      case 'resetInResponse':
        take();
        record.status = 200;
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
        response.write('{"partialSuccess":', () => request.socket.resetAndDestroy());
        return;
      case 'reset':
        request.socket.resetAndDestroy();
        return;
      case 'silent':
        return;
      case 'garbage':
        request.socket.end('\u0000\u0001 what is this? \r\n\r\n');
        return;
      case 'partial':
        spans.push(...read.spans.slice(fault.rejected));
        return answer(
          200,
          JSON.stringify({ partialSuccess: { rejectedSpans: String(fault.rejected), errorMessage: 'no room' } }),
        );
      case 'slow':
        await new Promise((resolve) => setTimeout(resolve, fault.delayMillis));
    }
    if (read.violations.length > 0) return answer(400, JSON.stringify({ message: read.violations[0] }));
    take();
    answer(200, '{"partialSuccess":{}}');
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const receiver: OtlpReceiver = {
    endpoint,
    url: `${endpoint}/v1/traces`,
    requests,
    violations,
    fault: options.fault,
    spans: () => spans,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
  return receiver;
}

/** What stands in an OTLP JSON text; `violations` says what is wrong with it. */
export function parseOtlpJson(text: string): { spans: ReceivedSpan[]; violations: string[] } {
  const check = new Check();
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    return { spans: [], violations: [`body: ${error}`] };
  }
  const spans = check.request(document);
  return { spans, violations: check.violations };
}

/** The same for a request in Protobuf. */
function parseOtlpProtobuf(body: Buffer): { spans: ReceivedSpan[]; violations: string[] } {
  const check = new Check();
  let document: unknown;
  try {
    document = decodeOtlpProtobuf(body);
  } catch (error) {
    return { spans: [], violations: [`body: ${error}`] };
  }
  const spans = check.request(document);
  return { spans, violations: check.violations };
}

function readRequest(request: IncomingMessage, compressed: Buffer, requireGzip: boolean) {
  const violations: string[] = [];
  if (request.method !== 'POST') violations.push(`method is ${request.method}`);
  if (request.url !== '/v1/traces') violations.push(`path is ${request.url}`);
  const contentType = request.headers['content-type'];
  if (contentType !== 'application/json' && contentType !== 'application/x-protobuf') {
    violations.push(`content-type is ${contentType}`);
  }
  const encoding = request.headers['content-encoding'];
  if (encoding !== 'gzip' && (requireGzip || encoding !== undefined))
    violations.push(`content-encoding is ${encoding}`);
  let body: Buffer;
  try {
    body = encoding === 'gzip' ? gunzipSync(compressed) : compressed;
  } catch (error) {
    return { spans: [], uncompressedBytes: 0, violations: [...violations, `body: ${error}`] };
  }
  const parsed =
    contentType === 'application/x-protobuf' ? parseOtlpProtobuf(body) : parseOtlpJson(body.toString('utf8'));
  return {
    spans: parsed.spans,
    uncompressedBytes: body.length,
    violations: [...violations, ...parsed.violations],
  };
}

type Field = (value: unknown, path: string) => unknown;
type Shape = Record<string, Field>;

const UINT32 = 2 ** 32 - 1;
const MAX_INT64 = 2n ** 63n - 1n;

/** Walks a request by the shapes of opentelemetry-proto's trace.proto, in its JSON mapping. */
class Check {
  readonly violations: string[] = [];

  request(document: unknown): ReceivedSpan[] {
    const root = this.#object(document, 'body', {
      resourceSpans: this.#array((item, path) => this.#ofResource(item, path)),
    });
    return ((root.resourceSpans as ReceivedSpan[][] | undefined) ?? []).flat();
  }

  #ofResource(value: unknown, path: string): ReceivedSpan[] {
    const read = this.#object(value, path, {
      resource: (item, at) =>
        this.#object(item, at, { attributes: this.#attributes, droppedAttributesCount: this.#uint32 }).attributes,
      scopeSpans: this.#array((item, at) => this.#ofScope(item, at)),
      schemaUrl: this.#string,
    });
    const resource = (read.resource ?? {}) as ReceivedAttributes;
    return ((read.scopeSpans ?? []) as ReceivedSpan[][]).flat().map((span) => ({ ...span, resource }));
  }

  #ofScope(value: unknown, path: string): ReceivedSpan[] {
    const read = this.#object(value, path, {
      scope: (item, at) =>
        this.#object(item, at, {
          name: this.#string,
          version: this.#string,
          attributes: this.#attributes,
          droppedAttributesCount: this.#uint32,
        }).name,
      spans: this.#array((item, at) => this.#span(item, at)),
      schemaUrl: this.#string,
    });
    return ((read.spans ?? []) as ReceivedSpan[]).map((span) => ({ ...span, scope: (read.scope ?? '') as string }));
  }

  #span(value: unknown, path: string): ReceivedSpan {
    const read = this.#object(value, path, {
      traceId: this.#id(32),
      spanId: this.#id(16),
      traceState: this.#string,
      parentSpanId: (item, at) => (item === '' ? undefined : this.#id(16)(item, at)),
      flags: this.#uint32,
      name: this.#string,
      kind: this.#oneOf(0, 5),
      startTimeUnixNano: this.#nanos,
      endTimeUnixNano: this.#nanos,
      attributes: this.#attributes,
      droppedAttributesCount: this.#uint32,
      events: this.#array((item, at) => this.#event(item, at)),
      droppedEventsCount: this.#uint32,
      links: this.#array((item, at) => this.#link(item, at)),
      droppedLinksCount: this.#uint32,
      status: (item, at) => this.#object(item, at, { code: this.#oneOf(0, 2), message: this.#string }),
    });
    const span = {
      parentSpanId: undefined,
      attributes: {},
      events: [],
      links: [],
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      ...read,
      status: { code: 0, message: undefined, ...(read.status as object) },
    } as unknown as ReceivedSpan;
    for (const name of ['traceId', 'spanId', 'name', 'kind', 'startTimeUnixNano', 'endTimeUnixNano'] as const) {
      if (span[name] === undefined) this.#refuse(path, `has no ${name}`);
    }
    if (!span.name) this.#refuse(path, 'has an empty name');
    if (span.startTimeUnixNano === 0n) this.#refuse(path, 'starts in 1970');
    if (span.endTimeUnixNano < span.startTimeUnixNano) this.#refuse(path, 'ends before it starts');
    for (const [i, event] of span.events.entries()) {
      if (event.timeUnixNano < span.startTimeUnixNano || event.timeUnixNano > span.endTimeUnixNano) {
        this.#refuse(
          `${path}.events[${i}]`,
          `${event.name} is ${outsideBy(event, span)} outside of its span ${span.name}`,
        );
      }
    }
    return span;
  }

  #event(value: unknown, path: string): ReceivedEvent {
    const read = this.#object(value, path, {
      timeUnixNano: this.#nanos,
      name: this.#string,
      attributes: this.#attributes,
      droppedAttributesCount: this.#uint32,
    });
    if (!read.name) this.#refuse(path, 'has no name');
    return { timeUnixNano: 0n, attributes: {}, ...read } as ReceivedEvent;
  }

  #link(value: unknown, path: string): ReceivedSpan['links'][number] {
    const read = this.#object(value, path, {
      traceId: this.#id(32),
      spanId: this.#id(16),
      traceState: this.#string,
      attributes: this.#attributes,
      droppedAttributesCount: this.#uint32,
      flags: this.#uint32,
    });
    if (!read.traceId || !read.spanId) this.#refuse(path, 'links to nothing');
    return { attributes: {}, ...read } as ReceivedSpan['links'][number];
  }

  readonly #attributes: Field = (value, path) => {
    const entries = this.#array((item, at) => {
      const read = this.#object(item, at, { key: this.#string, value: (inner, below) => this.#value(inner, below) });
      if (!read.key) this.#refuse(at, 'has an empty key');
      return [read.key, read.value] as [string, ReceivedValue];
    })(value, path) as [string, ReceivedValue][];
    const seen = new Set<string>();
    for (const [key] of entries) {
      if (seen.has(key)) this.#refuse(path, `has ${key} twice`);
      seen.add(key);
    }
    return Object.fromEntries(entries);
  };

  #value(value: unknown, path: string): ReceivedValue {
    const read = this.#object(value, path, {
      stringValue: this.#string,
      boolValue: this.#boolean,
      intValue: this.#int64,
      doubleValue: this.#double,
      bytesValue: this.#bytes,
      arrayValue: (item, at) =>
        this.#object(item, at, { values: this.#array((inner, below) => this.#value(inner, below)) }).values ?? [],
      kvlistValue: (item, at) => this.#object(item, at, { values: this.#attributes }).values ?? {},
    });
    const values = Object.values(read);
    if (values.length > 1) this.#refuse(path, `is ${Object.keys(read).join(' and ')} at once`);
    return values[0] as ReceivedValue;
  }

  #object(value: unknown, path: string, shape: Shape): Record<string, unknown> {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.#refuse(path, `is ${JSON.stringify(value)}, not an object`);
      return {};
    }
    const read: Record<string, unknown> = {};
    for (const [name, item] of Object.entries(value)) {
      const field = Object.hasOwn(shape, name) ? shape[name] : undefined;
      if (field) read[name] = field(item, `${path}.${name}`);
      else this.#refuse(path, `has an unknown field ${name}`);
    }
    return read;
  }

  #array<T>(each: (item: unknown, path: string) => T): (value: unknown, path: string) => T[] {
    return (value, path) => {
      if (Array.isArray(value)) return value.map((item, i) => each(item, `${path}[${i}]`));
      this.#refuse(path, `is ${JSON.stringify(value)}, not an array`);
      return [];
    };
  }

  #scalar(
    isRight: (value: unknown) => boolean,
    wanted: string,
    convert: (value: never) => unknown = (it) => it,
  ): Field {
    return (value, path) => {
      if (isRight(value)) return convert(value as never);
      this.#refuse(path, `is ${JSON.stringify(value)?.slice(0, 100)}, not ${wanted}`);
      return undefined;
    };
  }

  readonly #string = this.#scalar((value) => typeof value === 'string', 'a string');
  readonly #boolean = this.#scalar((value) => typeof value === 'boolean', 'a boolean');
  readonly #uint32 = this.#oneOf(0, UINT32);
  readonly #nanos = this.#scalar(
    (value) => typeof value === 'string' && /^\d{1,19}$/.test(value),
    'nanoseconds as a string',
    BigInt,
  );
  readonly #int64 = this.#scalar(
    (value) => (typeof value === 'number' ? Number.isSafeInteger(value) : isInt64Text(value)),
    'a 64-bit integer',
    Number,
  );
  readonly #double = this.#scalar(
    (value) => typeof value === 'number' || value === 'NaN' || value === 'Infinity' || value === '-Infinity',
    'a double',
    Number,
  );
  readonly #bytes = this.#scalar(
    (value) => typeof value === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(value) && value.length % 4 === 0,
    'base64',
    (value: string) => new Uint8Array(Buffer.from(value, 'base64')),
  );

  #oneOf(min: number, max: number): Field {
    return this.#scalar(
      (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
      `an integer from ${min} to ${max}`,
    );
  }

  #id(digits: number): Field {
    const form = new RegExp(`^(?!0+$)[0-9a-f]{${digits}}$`);
    return this.#scalar((value) => typeof value === 'string' && form.test(value), `${digits} hex digits, not all 0`);
  }

  #refuse(path: string, what: string): void {
    this.violations.push(`${path} ${what}`);
  }
}

function isInt64Text(value: unknown): boolean {
  if (typeof value !== 'string' || !/^-?\d{1,19}$/.test(value)) return false;
  const integer = BigInt(value);
  return integer <= MAX_INT64 && integer >= -MAX_INT64 - 1n;
}

function outsideBy(event: ReceivedEvent, span: ReceivedSpan): string {
  const late = event.timeUnixNano - span.endTimeUnixNano;
  return late > 0n
    ? `${late} ns after the end,`
    : `${span.startTimeUnixNano - event.timeUnixNano} ns before the start,`;
}
