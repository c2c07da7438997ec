/** Amazon Bedrock's client, by each of the ways in which it sends. */
import {
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  InvokeModelCommand,
} from '@aws-sdk/client-bedrock-runtime';
import { FetchHttpHandler } from '@smithy/fetch-http-handler';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { recordingPlugin } from 'runtrace/aws';
import { type Ask, type Client, type ClientRow, PROMPT, TOOL } from '../client.js';
import { map } from './map.js';

const row = {
  package: '@aws-sdk/client-bedrock-runtime',
  provider: 'aws.bedrock',
  finishReasons: ['end_turn', 'tool_use'],
  refusal: 'ValidationException',
  retries: true,
} as const;

const byPlugin = 'client.middlewareStack.use(recordingPlugin)';

export const bedrock: readonly ClientRow[] = [
  {
    ...row,
    name: '`@aws-sdk/client-bedrock-runtime`',
    record: byPlugin,
    make: (_fetch, { http2 }) => clientOf(withPlugin({ endpoint: http2 })),
  },
  {
    ...row,
    name: '`@aws-sdk/client-bedrock-runtime`, NodeHttpHandler',
    record: byPlugin,
    make: (_fetch, { http1 }) => clientOf(withPlugin({ endpoint: http1, requestHandler: new NodeHttpHandler() })),
  },
  {
    ...row,
    name: '`@aws-sdk/client-bedrock-runtime`, FetchHttpHandler',
    record: 'new BedrockRuntimeClient({ requestHandler: new FetchHttpHandler({ customFetch: recordingFetch }) })',
    make: (fetch) => clientOf(runtimeClient({ requestHandler: new FetchHttpHandler({ customFetch: fetch }) })),
  },
  {
    ...row,
    name: '`@aws-sdk/client-bedrock-runtime`, recorded twice over',
    record: `${byPlugin}, with a FetchHttpHandler with \`recordingFetch\``,
    make: (fetch) => clientOf(withPlugin({ requestHandler: new FetchHttpHandler({ customFetch: fetch }) })),
  },
];

function runtimeClient(options: object) {
  const credentials = { accessKeyId: 'none', secretAccessKey: 'none' };
  return new BedrockRuntimeClient({ region: 'eu-central-1', credentials, ...options });
}

function withPlugin(options: object) {
  const client = runtimeClient(options);
  client.middlewareStack.use(recordingPlugin);
  return client;
}

function clientOf(bedrock: ReturnType<typeof runtimeClient>): Client {
  const { parameters: json, ...tool } = TOOL;
  const request = (modelId: string, { withTool }: Ask) => ({
    modelId,
    messages: [{ role: 'user', content: [{ text: PROMPT }] }],
    ...(withTool && { toolConfig: { tools: [{ toolSpec: { ...tool, inputSchema: { json } } }] } }),
  });
  return {
    generate: (model, ask) => bedrock.send(new ConverseCommand(request(model, ask))),
    async open(model, ask) {
      const command = new ConverseStreamCommand(request(model, ask));
      const { stream } = await bedrock.send(command, { abortSignal: ask.signal });
      return map(
        stream,
        (event: { contentBlockDelta?: { delta: { text?: string } } }) => event.contentBlockDelta?.delta.text,
      );
    },
    results: {
      embeddings: (modelId) =>
        bedrock.send(new InvokeModelCommand({ modelId: `embed.${modelId}`, body: '{"inputText":"a"}' })),
    },
  };
}
