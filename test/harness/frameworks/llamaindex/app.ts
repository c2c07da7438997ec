/** LlamaIndex: a chat model, and an agent that calls it in a loop. */
import { OpenAI } from '@llamaindex/openai';
import { FunctionTool, LLMAgent } from 'llamaindex';
import { recordingFetch, tool } from 'runtrace';
import type { Framework } from '../support/cases.js';
import { playAll } from '../support/play.js';
import { PARAMETERS, PROMPT, TOOL } from '../support/prompt.js';

const weather = FunctionTool.from(() => tool({ name: TOOL.name }, () => 'Sunny.'), { ...TOOL, parameters: PARAMETERS });

await playAll((baseURL) => {
  const chat = (model: string) =>
    new OpenAI({
      model,
      apiKey: 'none',
      baseURL,
      maxRetries: 2,
      additionalSessionOptions: { fetch: recordingFetch },
      additionalChatOptions: { stream_options: { include_usage: true } },
    });
  const messages = [{ role: 'user', content: PROMPT }];
  const llamaindex: Framework = {
    generate: (model) => chat(model).chat({ messages }),
    stream: (model) => chat(model).chat({ messages, stream: true }),
    loop: (model) => new LLMAgent({ llm: chat(model), tools: [weather] }).chat({ message: PROMPT }),
  };
  // A stream that is left is not closed: it counts as a reader that has paused.
  return { ways: { llamaindex }, limits: { pausedMillis: 500 } };
});
