import type { Input } from '../fuzz/fuzz.js';
import type { Random } from '../fuzz/random.js';

/** Puts a secret into something that runtrace records. */
export type Place = (secret: string, random: Random) => Input;

const text = (value: string): Input => ({ place: 'text', text: value });
const body = (contentType: string | undefined, value: string): Input => ({ place: 'body', contentType, text: value });
const json = (value: unknown): Input => body('application/json', JSON.stringify(value));
const url = (value: string): Input => ({ place: 'url', url: value });

function split(value: string, random: Random): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < value.length; ) {
    const length = random.integer(1, 9);
    pieces.push(value.slice(at, at + length));
    at += length;
  }
  return pieces;
}

const events = (values: readonly object[]) =>
  `${values.map((value) => `data: ${JSON.stringify(value)}\n\n`).join('')}data: [DONE]\n\n`;

const field = (head: string, content: string) =>
  `--xYz\r\ncontent-disposition: form-data; ${head}\r\n\r\n${content}\r\n`;

/** Where secrets were planted, under names that say nothing. */
export const PLACES: Readonly<Record<string, Place>> = {
  'a sentence': (secret) => text(`It is ${secret} and no other.`),
  'the end of a sentence': (secret) => text(`We use this one: ${secret}.`),
  'a line of its own': (secret) => text(`Here it is:\n${secret}\nThanks!`),
  'double quotes': (secret) => text(`They said "${secret}", which is right.`),
  backticks: (secret) => text(`Run it with \`${secret}\` please.`),
  parentheses: (secret) => text(`The first (${secret}) works.`),
  'a list of Markdown': (secret) => text(`- one\n- ${secret}\n- two`),
  'an error message': (secret) => text(`400 The value ${secret} is not allowed here`),
  'a stack': (secret) =>
    text(`Error: bad value ${secret}\n    at post (file:///app/client.mjs:17:5)\n    at run (/app/a.ts:1:2)`),
  'JSON in a sentence': (secret) => text(`got ${JSON.stringify({ note: secret, n: 1 })} back`),
  'a shell command': (secret) => text(`$ deploy --region eu ${secret} --verbose`),
  'a header': (secret) => ({ place: 'header', name: 'x-note', value: secret }),
  'a header with more in it': (secret) => ({ place: 'header', name: 'baggage', value: `a=1, b=${secret}` }),
  'the query of a URL': (secret) => url(`https://api.example.com/v1/x?alt=sse&q=${encodeURIComponent(secret)}&n=5`),
  'the path of a URL': (secret) => url(`https://api.example.com/v1/${encodeURIComponent(secret)}/chat`),
  'the fragment of a URL': (secret) => url(`https://api.example.com/v1#${encodeURIComponent(secret)}`),
  'a URL in a URL': (secret) =>
    url(`https://api.example.com/go?next=${encodeURIComponent(`https://a.example/?q=${encodeURIComponent(secret)}`)}`),
  'an attribute': (secret) => ({ place: 'attribute', name: 'app.note', value: secret }),
  'a value in JSON': (secret) => json({ model: 'm', note: secret }),
  'a text in JSON': (secret) => json({ messages: [{ role: 'user', content: `Use ${secret} for it` }] }),
  "a tool's arguments": (secret) => json({ role: 'tool', arguments: JSON.stringify({ command: secret, n: 1 }) }),
  'a list in JSON': (secret) => json({ args: ['run', secret, 5] }),
  'a server-sent event': (secret) => body('text/event-stream', events([{ type: 'whole', item: { note: secret } }])),
  'deltas of OpenAI': (secret, random) =>
    body(
      'text/event-stream',
      events(split(`Use ${secret} now`, random).map((content) => ({ choices: [{ index: 0, delta: { content } }] }))),
    ),
  'deltas of Anthropic': (secret, random) =>
    body(
      'text/event-stream',
      events(
        split(JSON.stringify({ command: secret }), random).map((partial_json) => ({
          type: 'content_block_delta',
          index: 1,
          delta: { type: 'input_json_delta', partial_json },
        })),
      ),
    ),
  NDJSON: (secret, random) =>
    body(
      'application/x-ndjson',
      split(`Use ${secret} now`, random)
        .map((content) => `${JSON.stringify({ message: { content }, done: false })}\n`)
        .join(''),
    ),
  'JSON lines': (secret) => body('application/jsonl', `{"id":1}\n${JSON.stringify({ id: 2, note: secret })}\n`),
  'a form': (secret) =>
    body('application/x-www-form-urlencoded', String(new URLSearchParams({ model: 'm', note: secret }))),
  'a multipart field': (secret) =>
    body('multipart/form-data; boundary=xYz', `${field('name="note"', secret)}--xYz--\r\n`),
  'plain text': (secret) => body('text/plain', `one\n${secret}\ntwo`),
  HTML: (secret) => body('text/html', `<p>Use <code>${secret}</code> now</p>`),
};
