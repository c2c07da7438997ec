/** LangChain: its chat model retries above the client, each time from 0. */
import assert from 'node:assert/strict';
import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { ChatOpenAI } from '@langchain/openai';
import { trace } from '@opentelemetry/api';
import { Client } from 'langsmith';
import { initializeOTEL } from 'langsmith/experimental/otel/setup';
import { traceable } from 'langsmith/traceable';
import { recordingFetch, tool } from 'runtrace';
import { stallMidStream } from '../../../../examples/demo/provider.js';
import { only, outcomesOf } from '../../../support/traced.js';
import { type Framework, LOOP } from '../support/cases.js';
import { inRun, type OwnCase, playAll } from '../support/play.js';
import { PARAMETERS, PROMPT, TOOL } from '../support/prompt.js';

/** The reasons with which an application stops a stream: LangChain throws them, or an error that it makes of them. */
const STOPS: Record<string, (controller: AbortController) => void> = {
  'no reason': (controller) => controller.abort(),
  'an error as its reason': (controller) => controller.abort(new Error('mine')),
  'a text as its reason': (controller) => controller.abort('user left'),
};

/** LangSmith's spans go to the provider of the case that is played. Its own exporter gets no answer at `url`. */
function traceByLangSmith(url: string): void {
  Object.assign(process.env, {
    LANGSMITH_TRACING: 'true',
    LANGSMITH_TRACING_MODE: 'otel',
    LANGSMITH_API_KEY: 'none',
    LANGSMITH_ENDPOINT: url,
  });
  initializeOTEL({
    globalTracerProvider: trace.getTracerProvider(),
    skipGlobalContextManagerSetup: true,
    exporterConfig: { url },
  });
}

await playAll((baseURL) => {
  traceByLangSmith(baseURL);
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
  return {
    ways: { langchain },
    more: [
      ...Object.entries(STOPS).map(
        ([reason, stop]): OwnCase => ({
          name: `stopped with ${reason}`,
          script: [stallMidStream()],
          async play(model) {
            const controller = new AbortController();
            const run = inRun({ kind: 'chat_turn' }, async () => {
              for await (const _chunk of await chat(model).stream(PROMPT, { signal: controller.signal }))
                stop(controller);
            });
            await assert.rejects(run);
          },
          judge({ runs, steps }) {
            assert.equal(only(runs()).attributes['runtrace.status'], 'interrupted');
            assert.deepEqual(steps().map(outcomesOf), [['interrupted', '200 aborted']]);
          },
        }),
      ),
      {
        name: 'beside the spans of LangSmith',
        script: LOOP.script,
        async play(model) {
          const client = new Client();
          const answer = traceable(() => langchain.loop(model), { name: 'answer', client });
          await inRun({ kind: 'chat_turn' }, () => answer());
          // It ends its spans when it would send them.
          await client.awaitPendingTraceBatches();
        },
        judge({ steps }) {
          assert.deepEqual(steps().map(outcomesOf), LOOP.steps);
        },
      },
    ],
  };
});
