/** The AI SDK with Vercel's AI Gateway, also beside its own spans. */
import assert from 'node:assert/strict';
import { createGateway } from '@ai-sdk/gateway';
import { OpenTelemetry } from '@ai-sdk/otel';
import { trace } from '@opentelemetry/api';
import { generateText, isStepCount, jsonSchema, registerTelemetry, streamText, type Telemetry, tool } from 'ai';
import { recordingFetch } from 'runtrace';
import { runtraceTelemetry } from 'runtrace/ai-sdk';
import { attemptsOf } from '../../../support/traced.js';
import { aiGatewayLanguage } from '../../clients/wire/ai-gateway.js';
import { type Framework, LOOP } from '../support/cases.js';
import { inRun, playAll } from '../support/play.js';
import { PARAMETERS, PROMPT, TOOL } from '../support/prompt.js';
import { stoppable } from '../support/stoppable.js';

const tools = {
  [TOOL.name]: tool({ ...TOOL, inputSchema: jsonSchema<{ city: string }>(PARAMETERS), execute: () => 'Sunny.' }),
};
const ours = runtraceTelemetry();
registerTelemetry(ours);

await playAll(
  (baseURL) => {
    const gateway = createGateway({ apiKey: 'none', baseURL: `${baseURL}/ai`, fetch: recordingFetch });
    const loop = (model: string, integrations: Telemetry[] = [ours]) =>
      generateText({
        model: gateway(model),
        prompt: PROMPT,
        tools,
        stopWhen: isStepCount(3),
        telemetry: { integrations },
      });
    const aiSdk: Framework = {
      generate: (model) => generateText({ model: gateway(model), prompt: PROMPT }),
      async stream(model) {
        const controller = new AbortController();
        const { textStream } = streamText({
          model: gateway(model),
          prompt: PROMPT,
          abortSignal: controller.signal,
          onError() {},
        });
        return stoppable(textStream, controller);
      },
      loop,
    };
    return {
      ways: { 'AI SDK': aiSdk },
      provider: 'vercel',
      more: [
        {
          name: 'beside @ai-sdk/otel',
          script: LOOP.script,
          play: (model) => {
            const theirs = new OpenTelemetry({ tracer: trace.getTracer('@ai-sdk/otel') });
            return inRun({ kind: 'chat_turn' }, () => loop(model, [ours, theirs]));
          },
          judge({ steps, spans }) {
            assert.deepEqual(steps(), []);
            const chats = spans().filter(({ name }) => name.startsWith('chat '));
            assert.deepEqual(
              chats.map((span) => attemptsOf(span).length),
              [1, 1],
            );
          },
        },
      ],
    };
  },
  [aiGatewayLanguage],
);
