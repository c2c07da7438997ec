import type { SendResult } from './sender.js';

/** How a request is written. */
export interface Encoding {
  readonly format: 'protobuf' | 'json';
  readonly compression: 'gzip' | 'none';
}

export interface Attempted {
  result: SendResult;
  status: number | undefined;
}

/** Statuses that may mean the encoding, as long as the endpoint has never accepted anything. */
const MAY_MEAN_ENCODING = new Set([400, 406, 422]);

/**
 * Finds out which encoding an endpoint accepts. After a 415, and after a 400, 406 or 422 of an endpoint that has never accepted
 * anything, it tries the request without compression, then in the other format, each once. The first that is accepted is used
 * from then on. If none is, the first answer counts, and nothing is tried again until something was accepted.
 */
export class EncodingChoice {
  #current: Encoding;
  #hasAccepted = false;
  #hasTriedAll = false;
  #negotiation: Promise<unknown> | undefined;
  readonly #onChange: (to: Encoding, because: string) => void;

  constructor(first: Encoding, onChange: (to: Encoding, because: string) => void) {
    this.#current = first;
    this.#onChange = onChange;
  }

  /** Sends with the encoding that the endpoint is known to accept, or with the first one that it accepts. */
  async send(attempt: (encoding: Encoding) => Promise<Attempted>): Promise<SendResult> {
    const used = this.#current;
    const first = await attempt(used);
    if (isDelivered(first.result)) this.#accepted();
    if (!this.#mayMeanEncoding(first)) return first.result;
    // One request at a time tries; the others wait for what it finds.
    while (this.#negotiation) await this.#negotiation;
    if (this.#current !== used) return (await attempt(this.#current)).result;
    if (!this.#mayMeanEncoding(first)) return first.result;
    const negotiation = this.#negotiate(used, first, attempt);
    this.#negotiation = negotiation;
    return negotiation.finally(() => {
      this.#negotiation = undefined;
    });
  }

  async #negotiate(
    used: Encoding,
    first: Attempted,
    attempt: (encoding: Encoding) => Promise<Attempted>,
  ): Promise<SendResult> {
    for (const encoding of alternatives(used)) {
      const { result, status } = await attempt(encoding);
      if (isDelivered(result)) {
        this.#current = encoding;
        this.#accepted();
        this.#onChange(encoding, 'why' in first.result ? first.result.why : `HTTP ${first.status}`);
        return result;
      }
      // An outage in the middle says nothing of the encoding. Try again later.
      if (status === undefined || result.kind === 'retry') return result;
    }
    this.#hasTriedAll = true;
    return first.result;
  }

  #accepted(): void {
    this.#hasAccepted = true;
    this.#hasTriedAll = false;
  }

  #mayMeanEncoding({ status }: Attempted): boolean {
    if (this.#hasTriedAll || status === undefined) return false;
    return status === 415 || (!this.#hasAccepted && MAY_MEAN_ENCODING.has(status));
  }
}

function alternatives({ format, compression }: Encoding): Encoding[] {
  const other = format === 'json' ? 'protobuf' : 'json';
  if (compression === 'none') return [{ format: other, compression }];
  return [
    { format, compression: 'none' },
    { format: other, compression },
    { format: other, compression: 'none' },
  ];
}

function isDelivered({ kind }: SendResult): boolean {
  return kind === 'accepted' || kind === 'rejected';
}
