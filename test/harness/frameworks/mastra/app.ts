/** Mastra: an agent with a model of the AI SDK, also beside the spans that Mastra's bridge makes in OpenTelemetry. */
import assert from 'node:assert/strict';
import { createOpenAI } from '@ai-sdk/openai';
import { Agent } from '@mastra/core/agent';
import { Mastra } from '@mastra/core/mastra';
import { createTool } from '@mastra/core/tools';
import { Observability } from '@mastra/observability';
import { OtelBridge } from '@mastra/otel-bridge';
import { recordingFetch, tool } from 'runtrace';
import { z } from 'zod';
import { outcomesOf } from '../../../support/traced.js';
import { type Framework, LOOP } from '../support/cases.js';
import { inRun, playAll } from '../support/play.js';
import { PROMPT, TOOL } from '../support/prompt.js';
import { stoppable } from '../support/stoppable.js';

const weather = createTool({
  id: TOOL.name,
  description: TOOL.description,
  inputSchema: z.object({ city: z.string() }),
  execute: () => tool({ name: TOOL.name }, () => 'Sunny.'),
});

await playAll((baseURL) => {
  const openai = createOpenAI({ apiKey: 'none', baseURL, fetch: recordingFetch });
  const agentOf = (model: string, observability?: object) => {
    const agent = new Agent({
      id: 'weather',
      name: 'Weather',
      instructions: 'Be brief.',
      model: openai.chat(model),
      maxRetries: 2,
      tools: { [TOOL.name]: weather },
    });
    return new Mastra({ agents: { agent }, logger: false, ...(observability && { observability }) }).getAgent('agent');
  };
  const mastra: Framework = {
    generate: (model) => agentOf(model).generate(PROMPT),
    async stream(model) {
      const controller = new AbortController();
      const { textStream } = await agentOf(model).stream(PROMPT, { abortSignal: controller.signal });
      return stoppable(textStream, controller);
    },
    loop: (model) => agentOf(model).generate(PROMPT),
  };
  const withBridge = () =>
    new Observability({ configs: { default: { serviceName: 'weather', bridge: new OtelBridge() } } });
  return {
    ways: { mastra },
    more: [
      {
        name: 'beside its own spans',
        script: LOOP.script,
        play: (model) => inRun({ kind: 'chat_turn' }, () => agentOf(model, withBridge()).generate(PROMPT)),
        judge({ steps }) {
          assert.deepEqual(steps().map(outcomesOf), LOOP.steps);
        },
      },
    ],
  };
});
