/** The body as a stream: readers of both kinds, iteration, pipes, branches, errors and cancels. */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { face, outcome, readAll, same, withOrigin } from './differential.js';

withOrigin();

const both = { undici: true };

type Body = ReadableStream<Uint8Array>;
type Chunks = AsyncIterableIterator<Uint8Array, unknown>;

/** What the DOM's types don't know yet of streams. */
interface Iterable extends Omit<Body, 'values' | typeof Symbol.asyncIterator> {
  values(options?: { preventCancel?: boolean }): Chunks;
  [Symbol.asyncIterator](options?: { preventCancel?: boolean }): Chunks;
}

async function bodyOf(response: Promise<Response>): Promise<Body> {
  return (await response).body as Body;
}

/** Settled by now, or in a few turns. */
async function settled(promise: Promise<unknown>): Promise<unknown> {
  const turns = async () => {
    for (let i = 0; i < 5; i++) await nextTurn();
    return 'pending';
  };
  return Promise.race([outcome(() => promise), turns()]);
}

const decode = (bytes: unknown) => (bytes ? Buffer.from(bytes as Uint8Array).toString() : undefined);

same(
  'a default reader',
  async ({ fetch, url }) => {
    const response = await fetch(`${url}/pieces?count=6`);
    const body = response.body as Body;
    const reader = body.getReader();
    const seen: unknown[] = [body.locked, await outcome(() => body.getReader()), await outcome(() => body.cancel())];
    const first = await reader.read();
    const { value } = first;
    seen.push(value?.constructor.name, value?.byteOffset, value?.byteLength === value?.buffer.byteLength, first.done);
    seen.push(response.bodyUsed, await settled(reader.closed));
    reader.releaseLock();
    seen.push(body.locked, await outcome(() => reader.read()), await outcome(() => reader.closed));
    seen.push(await outcome(() => reader.cancel()), await outcome(() => reader.releaseLock()));
    const rest = await readAll(body);
    seen.push((decode(value) ?? '') + rest, await outcome(() => body.getReader().read()), face(response));
    return seen;
  },
  both,
);

same('reads that were asked for before there was anything', async ({ fetch, url }) => {
  const body = await bodyOf(fetch(`${url}/pieces?count=4`));
  const reader = body.getReader();
  const results = await Promise.all(Array.from({ length: 12 }, () => reader.read()));
  const text = results.map(({ value }) => decode(value) ?? '').join('');
  const dones = results.map(({ done }) => done);
  return [text, dones.at(-1), dones.indexOf(true) === dones.lastIndexOf(false) + 1, await outcome(() => reader.closed)];
});

same('a lock that is let go of with reads under way', async ({ fetch, url }) => {
  const body = await bodyOf(fetch(`${url}/headers-only`));
  const reader = body.getReader();
  const reads = [outcome(() => reader.read()), outcome(() => reader.read())];
  await nextTurn();
  reader.releaseLock();
  const seen = await Promise.all(reads);
  return [seen, body.locked, await outcome(() => body.cancel('enough')), await readAll(body)];
});

type ViewClass = { new (buffer: ArrayBuffer, offset: number, length: number): Uint8Array<ArrayBuffer>; name: string };

for (const View of [Uint8Array, Int8Array, DataView, Uint16Array, Float64Array] as unknown as ViewClass[]) {
  same(`a BYOB reader with a ${View.name}`, async ({ fetch, url }) => {
    const body = await bodyOf(fetch(`${url}/text`));
    const reader = body.getReader({ mode: 'byob' });
    let buffer = new ArrayBuffer(64);
    const seen: unknown[] = [];
    for (let i = 0; i < 200; i++) {
      const view = new View(buffer, 8, 16 / ('BYTES_PER_ELEMENT' in View ? Number(View.BYTES_PER_ELEMENT) : 1));
      const { done, value } = await reader.read(view);
      if (!value) break;
      seen.push(buffer.byteLength, done, value.constructor.name, value.byteOffset, value.byteLength);
      seen.push(Buffer.from(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength).toString('latin1'));
      buffer = value.buffer as ArrayBuffer;
      if (done) break;
    }
    return [seen, await outcome(() => reader.closed), await outcome(() => reader.read(new Uint8Array(4)))];
  });
}

same('a BYOB reader with views that will not do', async ({ fetch, url }) => {
  const reader = (await bodyOf(fetch(`${url}/text`))).getReader({ mode: 'byob' });
  const detached = new Uint8Array(4);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  const seen: unknown[] = [];
  for (const view of [new Uint8Array(0), detached, undefined, 'text', new ArrayBuffer(4)]) {
    seen.push(await outcome(() => reader.read(view as never)));
  }
  return [seen, decode((await reader.read(new Uint8Array(9))).value)];
});

same('a BYOB reader that waits for a least count', async ({ fetch, url }) => {
  const reader = (await bodyOf(fetch(`${url}/pieces?count=9`))).getReader({ mode: 'byob' });
  const read = reader.read.bind(reader) as (
    view: Uint8Array,
    o: object,
  ) => Promise<ReadableStreamReadResult<Uint8Array>>;
  const seen: unknown[] = [await outcome(() => read(new Uint8Array(4), { min: 5 }))];
  const first = await read(new Uint8Array(30), { min: 20 });
  return [...seen, (first.value?.byteLength ?? 0) > 0, await outcome(() => reader.cancel('enough'))];
});

same('views of odd sizes at the end of a body', async ({ fetch, url }) => {
  const reader = (await bodyOf(fetch(`${url}/odd-status?line=200%20OK`))).getReader({ mode: 'byob' });
  const seen: unknown[] = [];
  for (let i = 0; i < 4; i++)
    seen.push(await outcome(async () => (await reader.read(new Uint16Array(4))).value?.length));
  return [seen, await outcome(() => reader.closed)];
});

same('one kind of reader after the other', async ({ fetch, url }) => {
  const body = await bodyOf(fetch(`${url}/text`));
  const byob = body.getReader({ mode: 'byob' });
  const head = await byob.read(new Uint8Array(10));
  byob.releaseLock();
  const reader = body.getReader();
  const next = await reader.read();
  reader.releaseLock();
  return decode(head.value) + (decode(next.value) ?? '') + (await readAll(body));
});

same('readers that there are not', async ({ fetch, url }) => {
  const body = await bodyOf(fetch(`${url}/text`));
  return [
    await outcome(() => body.getReader({ mode: 'other' as 'byob' })),
    await outcome(() => body.getReader(1 as never)),
    await outcome(() => (body.getReader as (o: unknown) => { constructor: { name: string } })(null).constructor.name),
  ];
});

const REASONS: Record<string, unknown> = {
  'a string': 'enough',
  nothing: undefined,
  null: null,
  'an Error': new TypeError('enough'),
  'an object': { a: 1 },
};
for (const [name, reason] of Object.entries(REASONS)) {
  same(`cancelled with ${name}`, async ({ fetch, url }) => {
    const seen: unknown[] = [];
    for (const path of ['/text', '/stall', '/pieces', '/empty']) {
      const response = await fetch(url + path);
      const body = response.body as Body;
      seen.push(await outcome(() => body.cancel(reason)), face(response), await outcome(() => body.cancel(reason)));
      seen.push(await outcome(() => response.text()), await outcome(() => body.getReader().read()));
      const other = await bodyOf(fetch(url + path));
      const reader = other.getReader();
      await reader.read();
      const pending = path === '/stall' && outcome(() => reader.read());
      seen.push(await outcome(() => reader.cancel(reason)), await pending, await outcome(() => reader.closed));
      seen.push(await outcome(() => reader.read()));
    }
    return seen;
  });
}

const LOOPS: Record<string, (body: Iterable) => Promise<unknown>> = {
  'to the end': async (body) => readAll(body as Body),
  'with break': async (body) => {
    for await (const chunk of body) return decode(chunk);
  },
  'with a throw': async (body) => {
    for await (const chunk of body) throw new RangeError(decode(chunk));
  },
  'with break, and preventCancel': async (body) => {
    let text = '';
    for await (const chunk of body.values({ preventCancel: true })) {
      text += decode(chunk);
      break;
    }
    return text + (await readAll(body as Body));
  },
  'by hand': async (body) => {
    const iterator = body[Symbol.asyncIterator]();
    const seen: unknown[] = [iterator[Symbol.asyncIterator]() === iterator, body.locked];
    seen.push(decode((await iterator.next()).value), await outcome(() => iterator.return?.('the end')));
    seen.push(await outcome(() => iterator.next()), await outcome(() => iterator.return?.(2)), body.locked);
    seen.push(Object.prototype.toString.call(iterator), typeof iterator.throw);
    return seen;
  },
  'by hand, all at once': async (body) => {
    const iterator = body.values();
    const [first, ended, after] = await Promise.all([iterator.next(), iterator.return?.(1), iterator.next()]);
    return [decode(first.value), ended, after];
  },
  'left before it began': async (body) => outcome(() => body.values().return?.('never')),
  'by hand, more often than there are chunks': async (body) => {
    const iterator = body.values();
    const all = await Promise.all(Array.from({ length: 4 }, () => iterator.next()));
    return [all.map(({ done, value }) => [done, decode(value)]), await iterator.next(), body.locked];
  },
  'by hand, and left twice at once': async (body) => {
    const iterator = body.values();
    const [first, ...left] = [iterator.next(), iterator.return?.(1), iterator.return?.(2), iterator.next()];
    return [decode((await first)?.value), await Promise.all(left), body.locked];
  },
  'by hand, and left with preventCancel': async (body) => {
    const iterator = body.values({ preventCancel: true });
    const seen: unknown[] = [decode((await iterator.next()).value), await iterator.return?.(1), await iterator.next()];
    return [...seen, body.locked, await readAll(body as Body)];
  },
  'by its methods alone': async (body) => {
    const iterator = body.values();
    const { next, return: leave } = iterator;
    const names = [Object.keys(iterator), Object.keys(Object.getPrototypeOf(iterator))];
    return [names, decode((await next()).value), await outcome(() => leave?.(1)), body.locked];
  },
  'with other options': async (body) => {
    const values = body.values as (options: unknown) => Chunks;
    const tries = [1, 'text', true].map((options) => outcome(() => typeof values.call(body, options)));
    const seen: unknown[] = [await Promise.all(tries), body.locked];
    const iterator = values.call(body, null);
    seen.push(await outcome(() => body.values()));
    return [...seen, decode((await iterator.next()).value), await outcome(() => iterator.return?.(1))];
  },
  'while another reader has it': async (body) => {
    const reader = (body as Body).getReader();
    const refused = await outcome(() => body.values());
    reader.releaseLock();
    return [refused, await readAll(body as Body)];
  },
};
for (const [name, loop] of Object.entries(LOOPS)) {
  same(
    `iterated ${name}`,
    async ({ fetch, url }) => {
      const response = await fetch(`${url}/text`);
      const body = response.body as Body & Iterable;
      return [await outcome(() => loop(body)), face(response), await outcome(() => body.cancel())];
    },
    both,
  );
}

for (const path of ['reset-mid-stream', 'empty', 'pieces']) {
  same(
    `iterated by hand, several at once: ${path}`,
    async ({ fetch, url }) => {
      const body = (await bodyOf(fetch(`${url}/${path}`))) as Body & Iterable;
      const iterator = body.values();
      const results = await Promise.all(Array.from({ length: 9 }, () => outcome(() => iterator.next())));
      return [withoutRepeats(results.map(kindOfResult)), await outcome(() => iterator.return?.()), body.locked];
    },
    both,
  );
}

same(
  'when a body that is iterated by hand is used, and when it is left',
  async ({ fetch, url }) => {
    const seen: unknown[] = [];
    for (const ask of ['next', 'return'] as const) {
      const response = await fetch(`${url}/text`);
      const look = () => seen.push(response.bodyUsed, response.body?.locked);
      const iterator = (response.body as Body & Iterable).values();
      look();
      const asked = iterator[ask]?.();
      look();
      await undefined;
      look();
      await asked;
      look();
    }
    return seen;
  },
  both,
);

/** Pieces of a body may arrive together, so the number of chunks and their bytes may differ; how it ended does not. */
function kindOfResult(result: unknown): unknown {
  const { value, rejected } = result as { value?: IteratorResult<unknown>; rejected?: unknown };
  return rejected ?? (value?.done ? value : 'a chunk');
}

function withoutRepeats(list: readonly unknown[]): unknown[] {
  return list.filter((member, index) => index === 0 || !isDeepStrictEqual(member, list[index - 1]));
}

/** Collects what is written to it. */
function sink(options: { failAt?: number; slow?: boolean } = {}) {
  const seen: { text: string; end?: unknown } = { text: '' };
  const stream = new WritableStream<Uint8Array>({
    async write(chunk) {
      if (options.slow) await nextTurn();
      seen.text += decode(chunk);
      if (seen.text.length >= (options.failAt ?? Number.POSITIVE_INFINITY)) throw new RangeError('no more');
    },
    close() {
      seen.end = 'closed';
    },
    abort(reason) {
      seen.end = { aborted: reason };
    },
  });
  return { seen, stream };
}

for (const path of ['/pieces', '/text', '/empty', '/reset-mid-stream']) {
  for (const options of [{}, { preventClose: true }, { preventAbort: true }, { preventCancel: true }]) {
    same(`piped from ${path} with ${JSON.stringify(options)}`, async ({ fetch, url }) => {
      const response = await fetch(url + path);
      const body = response.body as Body;
      const { seen, stream } = sink({ slow: true });
      const piped = outcome(() => body.pipeTo(stream, options));
      const during = [body.locked, stream.locked];
      return [during, await piped, seen, body.locked, face(response), await outcome(() => stream.close())];
    });
  }
}

for (const preventCancel of [false, true]) {
  same(`piped to what fails, preventCancel: ${preventCancel}`, async ({ fetch, url }) => {
    const body = await bodyOf(fetch(`${url}/text`));
    const { seen, stream } = sink({ failAt: 1 });
    const piped = await outcome(() => body.pipeTo(stream, { preventCancel }));
    return [piped, seen, body.locked, await outcome(() => readAll(body))];
  });

  same(`a pipe that is aborted, preventCancel: ${preventCancel}`, async ({ fetch, url }) => {
    const controller = new AbortController();
    const body = await bodyOf(fetch(`${url}/stall`));
    const { seen, stream } = sink();
    const piped = outcome(() => body.pipeTo(stream, { preventCancel, signal: controller.signal }));
    while (seen.text === '') await nextTurn();
    controller.abort('that will do');
    return [await piped, seen, body.locked, preventCancel || (await outcome(() => readAll(body)))];
  });
}

same(
  'methods of one body on another stream',
  async ({ fetch, url }) => {
    const { getReader, cancel, tee, pipeTo } = await bodyOf(fetch(`${url}/text`));
    const { values } = (await bodyOf(fetch(`${url}/text`))) as unknown as Iterable;
    const other = () => new Blob(['another']).stream();
    return [
      await (getReader.call(other()) as ReadableStreamDefaultReader).read(),
      await outcome(() => cancel.call(other(), 'why')),
      await Promise.all((tee.call(other()) as Body[]).map(readAll)),
      await outcome(() => pipeTo.call(other(), sink().stream, null as never)),
      await outcome(() => values.call(other() as never).next()),
    ];
  },
  { ways: ['in a step'] },
);

same('a pipe that cannot be', async ({ fetch, url }) => {
  const response = await fetch(`${url}/text`);
  const body = response.body as Body;
  const locked = new WritableStream();
  locked.getWriter();
  return [
    await outcome(() => body.pipeTo({} as never)),
    await outcome(() => body.pipeTo(locked)),
    await outcome(() => body.pipeThrough({} as never)),
    await outcome(() => body.pipeThrough({ readable: body, writable: locked })),
    await outcome(() => body.pipeTo(new WritableStream(), { signal: 1 as never })),
    face(response),
  ];
});

same(
  'piped through',
  async ({ fetch, url }) => {
    const texts = (await bodyOf(fetch(`${url}/gzip`))).pipeThrough(new TextDecoderStream() as never);
    let text = '';
    for await (const piece of texts as unknown as AsyncIterable<string>) text += piece;
    const zipped = (await bodyOf(fetch(`${url}/text`)))
      .pipeThrough(new CompressionStream('gzip') as never)
      .pipeThrough(new DecompressionStream('gzip') as never) as Body;
    const broken = (await bodyOf(fetch(`${url}/reset-mid-stream`))).pipeThrough(new TransformStream()) as Body;
    const noZip = (await bodyOf(fetch(`${url}/text`))).pipeThrough(new DecompressionStream('gzip') as never) as Body;
    return [text, await readAll(zipped), await outcome(() => readAll(broken)), await outcome(() => readAll(noZip))];
  },
  both,
);

same('two branches', async ({ fetch, url }) => {
  const response = await fetch(`${url}/pieces`);
  const body = response.body as Body;
  const [a, b] = body.tee();
  const seen: unknown[] = [body.locked, await outcome(() => body.tee()), face(response)];
  const chunk = (await a.getReader({ mode: 'byob' }).read(new Uint8Array(3))).value;
  return [...seen, decode(chunk), await readAll(b), face(response)];
});

same('branches that are cancelled, one after the other', async ({ fetch, url }) => {
  const body = await bodyOf(fetch(`${url}/stall`));
  const [a, b] = body.tee();
  const first = a.cancel('a');
  const seen: unknown[] = [
    await settled(first),
    await outcome(() =>
      b
        .getReader()
        .read()
        .then(({ value }) => decode(value)),
    ),
  ];
  const other = await bodyOf(fetch(`${url}/stall`));
  const branches = other.tee();
  seen.push(await outcome(() => Promise.all(branches.map((branch, index) => branch.cancel(index)))));
  return seen;
});

same('branches of what breaks', async ({ fetch, url }) => {
  const [a, b] = (await bodyOf(fetch(`${url}/reset-mid-stream`))).tee();
  return [await outcome(() => readAll(a)), await outcome(() => readAll(b))];
});

for (const path of ['/reset-mid-stream', '/too-short', '/end-mid-chunk', '/half-gzip', '/no-gzip']) {
  same(
    `the error of ${path} is one and the same wherever it is met`,
    async ({ fetch, url }) => {
      const response = await fetch(url + path);
      const reader = (response.body as Body).getReader();
      const errors: unknown[] = [];
      for (let i = 0; i < 9 && errors.length === 0; i++) await reader.read().catch((error) => errors.push(error));
      await reader.closed.catch((error) => errors.push(error));
      await reader.read().catch((error) => errors.push(error));
      await reader.cancel().catch((error) => errors.push(error));
      reader.releaseLock();
      await (response.body as Body).cancel().catch((error) => errors.push(error));
      return [
        errors.map((error) => error === errors[0]),
        errors[0],
        face(response),
        await outcome(() => response.text()),
      ];
    },
    both,
  );
}

for (const path of ['/reset-before-headers', '/reset-in-headers', '/no-http']) {
  same(`no answer but ${path}`, ({ fetch, url }) => outcome(() => fetch(url + path)), both);
}

same('a connection that is refused, a name that is none', async ({ fetch }) => [
  await outcome(() => fetch('http://127.0.0.1:9/')),
  await outcome(() => fetch('http://name.invalid/')),
  await outcome(() => fetch('http://127.0.0.1:22222222/')),
]);

same(
  'a reader that only waits for the end learns that it broke',
  async ({ fetch, url }) => {
    const response = await fetch(`${url}/reset-mid-stream`);
    const reader = (response.body as Body).getReader();
    return [await outcome(() => reader.closed), await outcome(() => reader.read()), face(response)];
  },
  both,
);

same('a pipe with no room left learns that it broke', async ({ fetch, url }) => {
  const full = new WritableStream(undefined, new CountQueuingStrategy({ highWaterMark: 0 }));
  return outcome(async () => (await bodyOf(fetch(`${url}/reset-mid-stream`))).pipeTo(full));
});

same('a body that broke before it was asked for', async ({ fetch, url }) => {
  const response = await fetch(`${url}/reset-mid-stream`);
  await sleep(40);
  return [face(response), await outcome(() => response.clone().text()), await outcome(() => response.text())];
});

/** What is rejected without a handler, while `act` and what it began go on. */
async function unhandled(act: () => unknown): Promise<unknown[]> {
  const reasons: unknown[] = [];
  const ofTheRunner = process.rawListeners('unhandledRejection') as NodeJS.UnhandledRejectionListener[];
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', (reason) => reasons.push(reason));
  try {
    await act();
    // A reset takes its time on a busy machine.
    await sleep(400);
  } finally {
    process.removeAllListeners('unhandledRejection');
    for (const listener of ofTheRunner) process.on('unhandledRejection', listener);
  }
  return reasons;
}

const UNHANDLED: Record<string, (call: (path: string) => Promise<Response>) => unknown> = {
  'the call': (call) => void call('/reset-before-headers'),
  'text()': async (call) => void (await call('/reset-mid-stream')).text(),
  'a pipe': async (call) => void (await call('/reset-mid-stream')).body?.pipeTo(new WritableStream()),
  'two reads': async (call) => {
    const reader = (await call('/reset-mid-stream')).body?.getReader();
    reader?.read();
    reader?.read();
  },
  nothing: async (call) => {
    await call('/reset-mid-stream');
    (await call('/reset-mid-stream')).body?.getReader();
    (await call('/reset-mid-stream')).body?.tee();
    (await call('/reset-mid-stream')).body?.pipeThrough(new TransformStream());
    (await call('/reset-mid-stream'))
      .clone()
      .text()
      .catch(() => {});
    (await call('/stall')).body?.cancel('enough');
  },
};
for (const [what, act] of Object.entries(UNHANDLED)) {
  same(`where no handler takes what is rejected, it is ${what}`, ({ fetch, url }) =>
    unhandled(() => act((path) => fetch(url + path))),
  );
}
