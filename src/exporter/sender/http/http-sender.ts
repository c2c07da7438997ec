import type { Agent } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Clock } from '../../clock.js';
import type { HttpEndpoint } from '../../endpoint.js';
import { encodeRequest } from '../../otlp/json.js';
import { encodeProtobuf } from '../../otlp/protobuf/protobuf.js';
import type { ReadableSpan } from '../../otlp/span.js';
import { type Attempted, type Encoding, EncodingChoice } from '../encoding-choice.js';
import { requestHeaders } from '../headers.js';
import { isLoopback } from '../loopback.js';
import { redactor } from '../secrets.js';
import { errorText, type NoBackend, type Sender, type SendResult, unwritable } from '../sender.js';
import { type HttpAnswer, post } from './http-request.js';
import { readAnswer } from './http-response.js';

const compress = promisify(gzip);

const CONTENT_TYPES = { protobuf: 'application/x-protobuf', json: 'application/json' } as const;

/** Sends spans to an OTLP/HTTP endpoint. `report` receives what a person should know, once. */
export class HttpSender implements Sender {
  readonly isLoopback: boolean;
  readonly #endpoint: HttpEndpoint;
  readonly #clock: Clock;
  readonly #url: URL;
  readonly #encoding: EncodingChoice;
  #agent: Promise<Agent> | undefined;

  constructor(endpoint: HttpEndpoint, clock: Clock, report: (message: string) => void) {
    this.#endpoint = endpoint;
    this.#clock = clock;
    this.#url = new URL(endpoint.url);
    this.isLoopback = isLoopback(this.#url.hostname);
    const { format, compression } = endpoint;
    this.#encoding = new EncodingChoice({ format, compression }, (to, because) =>
      report(`the endpoint did not accept the encoding (${because}); using ${describe(to)} from now on`),
    );
  }

  async send(spans: readonly ReadableSpan[]): Promise<SendResult> {
    const given = await requestHeaders(this.#endpoint, this.#clock);
    if ('failure' in given) return given.failure;
    const { headers } = given;
    const redact = redactor(headers, this.#url);
    return this.#encoding.send((encoding) => this.#attempt(spans, headers, encoding, redact));
  }

  async shutdown(): Promise<void> {
    // An agent of the application may have other users.
    if (this.#endpoint.ownsAgent) (await this.#agent?.catch(() => undefined))?.destroy();
  }

  async #attempt(
    spans: readonly ReadableSpan[],
    headers: Record<string, string>,
    encoding: Encoding,
    redact: (text: string) => string,
  ): Promise<Attempted> {
    let body: Uint8Array;
    try {
      const content = encoding.format === 'json' ? Buffer.from(encodeRequest(spans)) : await encodeProtobuf(spans);
      body = encoding.compression === 'gzip' ? await compress(content) : content;
    } catch (error) {
      return { status: undefined, result: unwritable(error) };
    }
    try {
      const answer = await this.#post(body, headers, encoding);
      const result = readAnswer(answer, spans.length, this.#clock.now());
      return { status: answer.status, result: 'why' in result ? { ...result, why: redact(result.why) } : result };
    } catch (error) {
      return { status: undefined, result: failure(error, redact) };
    }
  }

  async #post(body: Uint8Array, headers: Record<string, string>, encoding: Encoding): Promise<HttpAnswer> {
    this.#agent ??= this.#endpoint.agent(this.#url.protocol);
    const agent = await this.#agent.catch((error) => {
      this.#agent = undefined;
      throw error;
    });
    return post(
      {
        url: this.#url,
        agent,
        body,
        timeoutMillis: this.#endpoint.timeoutMillis,
        headers: {
          'user-agent': 'runtrace',
          ...headers,
          'content-type': CONTENT_TYPES[encoding.format],
          'content-length': body.length,
          ...(encoding.compression === 'gzip' && { 'content-encoding': 'gzip' }),
        },
      },
      this.#clock,
    );
  }
}

function failure(error: unknown, redact: (text: string) => string): SendResult {
  const { code } = error as NodeJS.ErrnoException;
  // A header that can't be sent will not get better.
  if (code === 'ERR_INVALID_CHAR' || code === 'ERR_INVALID_HTTP_TOKEN') {
    return { kind: 'refused', why: redact(errorText(error)) };
  }
  return {
    kind: 'retry',
    why: redact(errorText(error)),
    ...noBackendOf(code),
  };
}

function noBackendOf(code = ''): { noBackend?: NoBackend } {
  if (code === 'ECONNREFUSED') return { noBackend: 'nothing listens there' };
  if (code === 'ENOTFOUND') return { noBackend: 'its host is unknown' };
  // The codes of a certificate are those of OpenSSL's X509_V_ERR_*.
  if (/^EPROTO$|^ERR_SSL_|CERT|SIGNATURE|HOSTNAME_MISMATCH/.test(code)) {
    return { noBackend: 'no TLS connection can be made' };
  }
  return {};
}

function describe({ format, compression }: Encoding): string {
  return `${format === 'json' ? 'JSON' : 'Protobuf'} ${compression === 'gzip' ? 'with gzip' : 'without compression'}`;
}
