/** Applications without a model client: an HTTP client that posts to OpenAI's API. */
import axios from 'axios';
import ky from 'ky';
import { type Ask, type ClientRow, FUNCTION_TOOL, MESSAGES } from '../client.js';

const URL = 'https://api.openai.com/v1/chat/completions';

const row = {
  provider: 'openai',
  finishReasons: ['stop', 'tool_calls'],
  refusal: 'invalid_request_error',
} as const;

export const plainHttp: readonly ClientRow[] = [
  {
    ...row,
    name: '`ky`',
    package: 'ky',
    record: 'ky.post(url, { json, fetch: recordingFetch })',
    retries: true,
    make(fetch) {
      const client = ky.create({ fetch, retry: { limit: 2, methods: ['post'], delay: () => 5 } });
      return {
        generate: (model, ask) => client.post(URL, { json: request(model, ask, false) }).json(),
        open: async (model, ask) => {
          const response = await client.post(URL, { json: request(model, ask, true), signal: ask.signal });
          return textsOf(response.body);
        },
      };
    },
  },
  {
    ...row,
    name: '`axios`',
    package: 'axios',
    record: "axios.post(url, body, { adapter: 'fetch', env: { fetch: recordingFetch } })",
    retries: false,
    make(fetch) {
      const client = axios.create({ adapter: 'fetch', env: { fetch } });
      return {
        generate: (model, ask) => client.post(URL, request(model, ask, false)),
        open: async (model, ask) => {
          const options = { responseType: 'stream', signal: ask.signal };
          return textsOf((await client.post(URL, request(model, ask, true), options)).data);
        },
      };
    },
  },
];

function request(model: string, { withTool }: Ask, stream: boolean) {
  return {
    model,
    messages: MESSAGES,
    ...(withTool && { tools: [FUNCTION_TOOL] }),
    ...(stream && { stream, stream_options: { include_usage: true } }),
  };
}

/** A stream's bytes as text, which is enough to see that some of it has come. */
async function* textsOf(body: AsyncIterable<Uint8Array>): AsyncIterable<unknown> {
  for await (const bytes of body) yield Buffer.from(bytes).toString();
}
