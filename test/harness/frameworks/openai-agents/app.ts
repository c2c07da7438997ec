/** OpenAI Agents: its runner loops over model and tools. */
import { Agent, run, setDefaultOpenAIClient, setTracingDisabled, tool } from '@openai/agents';
import OpenAI from 'openai';
import { recordingFetch } from 'runtrace';
import { z } from 'zod';
import type { Framework } from '../support/cases.js';
import { playAll } from '../support/play.js';
import { PROMPT, TOOL } from '../support/prompt.js';

// Its own traces go to OpenAI.
setTracingDisabled(true);

const weather = tool({ ...TOOL, parameters: z.object({ city: z.string() }), execute: async () => 'Sunny.' });

await playAll((baseURL) => {
  setDefaultOpenAIClient(new OpenAI({ apiKey: 'none', baseURL, fetch: recordingFetch, logLevel: 'off' }));
  const agent = (model: string, tools: unknown[] = []) =>
    new Agent({ name: 'Weather', instructions: 'Be brief.', model, tools });
  const agents: Framework = {
    generate: (model) => run(agent(model), PROMPT),
    stream: (model) => run(agent(model), PROMPT, { stream: true }),
    loop: (model) => run(agent(model, [weather]), PROMPT),
  };
  return { ways: { agents } };
});
