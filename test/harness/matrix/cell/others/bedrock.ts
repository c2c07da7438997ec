import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime';
import { FetchHttpHandler } from '@smithy/fetch-http-handler';
import { PROMPT } from '../clients.js';
import { fetchStoppedBy, type MakeClient, textsOf } from './other-client.js';

export const make: MakeClient = (endpoint) => {
  const bedrockWith = (signal?: AbortSignal) =>
    new BedrockRuntimeClient({
      region: 'eu-central-1',
      credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
      endpoint,
      requestHandler: new FetchHttpHandler({ customFetch: fetchStoppedBy(signal) }),
    });
  const request = (modelId: string) => ({ modelId, messages: [{ role: 'user', content: [{ text: PROMPT }] }] });
  return {
    generate: async (model) =>
      (await bedrockWith().send(new ConverseCommand(request(model)))).output.message.content[0].text,
    stream: async (model, abortSignal) =>
      textsOf(
        (await bedrockWith(abortSignal).send(new ConverseStreamCommand(request(model)), { abortSignal })).stream,
        (event: { contentBlockDelta?: { delta: { text?: string } } }) => event.contentBlockDelta?.delta.text,
      ),
  };
};
