/** LangGraph: an agent, whose graph calls the model and the tools. */
import { HumanMessage } from '@langchain/core/messages';
import { tool as langchainTool } from '@langchain/core/tools';
import { createReactAgent } from '@langchain/langgraph/prebuilt';
import { ChatOpenAI } from '@langchain/openai';
import { recordingFetch, tool } from 'runtrace';
import type { Framework } from '../support/cases.js';
import { playAll } from '../support/play.js';
import { PARAMETERS, PROMPT, TOOL } from '../support/prompt.js';

const weather = langchainTool(
  (_city: unknown, { toolCall }: { toolCall: { id: string } }) =>
    tool({ name: TOOL.name, callId: toolCall.id }, () => 'Sunny.'),
  { ...TOOL, schema: PARAMETERS },
);

await playAll((baseURL) => {
  const agent = (model: string) =>
    createReactAgent({
      llm: new ChatOpenAI({ model, apiKey: 'none', maxRetries: 2, configuration: { baseURL, fetch: recordingFetch } }),
      tools: [weather],
    });
  const input = { messages: [new HumanMessage(PROMPT)] };
  const langgraph: Framework = {
    generate: (model) => agent(model).invoke(input),
    stream: (model) => agent(model).stream(input, { streamMode: 'messages' }),
    loop: (model) => agent(model).invoke(input),
  };
  return { ways: { langgraph } };
});
