/** LangChain: its chat model retries above the client, each time from 0. */
import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { ChatOpenAI } from '@langchain/openai';
import { recordingFetch, tool } from 'runtrace';
import { type Framework, PARAMETERS, PROMPT, TOOL } from '../support/cases.js';
import { playAll } from '../support/play.js';

await playAll((baseURL) => {
  const chat = (model: string) =>
    new ChatOpenAI({ model, apiKey: 'none', maxRetries: 2, configuration: { baseURL, fetch: recordingFetch } });
  const langchain: Framework = {
    generate: (model) => chat(model).invoke(PROMPT),
    stream: (model) => chat(model).stream(PROMPT),
    async loop(model) {
      const bound = chat(model).bindTools([{ type: 'function', function: { ...TOOL, parameters: PARAMETERS } }]);
      const messages = [new HumanMessage(PROMPT)];
      for (;;) {
        const answer = await bound.invoke(messages);
        messages.push(answer);
        if (answer.tool_calls.length === 0) return answer;
        for (const { name, id } of answer.tool_calls) {
          const content = await tool({ name, callId: id }, () => 'Sunny.');
          messages.push(new ToolMessage({ content, tool_call_id: id }));
        }
      }
    },
  };
  return { ways: { langchain } };
});
