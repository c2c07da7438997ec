/**
 * What can happen in an AI application, a function each. Every one first tells the provider how to behave, then does what
 * an application does: that part is yours to copy.
 */

import type Anthropic from '@anthropic-ai/sdk';
import type OpenAI from 'openai';
import { reuseStep, run, step, tool } from 'runtrace';
import { type Provider, resetMidStream, slow, status } from './provider.js';

/** What a scenario works with: the real clients of two providers, and the server that plays both. */
export interface Demo {
  openai: OpenAI;
  anthropic: Anthropic;
  provider: Provider;
}

export interface Scenario {
  title: string;
  play(demo: Demo): Promise<void>;
}

export const SCENARIOS: readonly Scenario[] = [
  { title: 'A chat turn that is rate-limited twice, then answered', play: rateLimitedTwice },
  { title: 'A stream that is reset, and asked for again by the application', play: resetThenAskedAgain },
  { title: 'A stream that the user stops', play: stoppedByTheUser },
  { title: 'A call that fails for good', play: failedForGood },
  { title: 'A title for the conversation', play: titleOfTheConversation },
  { title: 'A chat turn with a tool call between two steps', play: toolBetweenTwoSteps },
  { title: 'Two chat turns at once', play: twoAtOnce },
];

/** 429, 429, 200: the client retries by itself, and the one step shows all three attempts. */
async function rateLimitedTwice({ openai, provider }: Demo): Promise<void> {
  provider.script(
    'gpt-5',
    status(429, { retryAfterMillis: 120 }),
    status(429, { retryAfterMillis: 240 }),
    slow(15, { text: 'Lisbon is lovely in May.', usage: { input: 21, output: 9 } }),
  );

  await run({ kind: 'chat_turn', conversationId: 'rate-limited', userId: 'ada' }, () =>
    openai.chat.completions.create({
      model: 'gpt-5',
      messages: [{ role: 'user', content: 'Where should I go in May?' }],
    }),
  );
}

/** A reset in mid-stream is not the client's to retry. The application does, and its reuse scope keeps that one step. */
async function resetThenAskedAgain({ anthropic, provider }: Demo): Promise<void> {
  const text = 'Take the train along the coast, and get off where you like it.';
  provider.script('claude-sonnet-5', resetMidStream(6, { text }), slow(10, { text, usage: { input: 30, output: 16 } }));

  const ask = () =>
    anthropic.messages
      .stream({
        model: 'claude-sonnet-5',
        max_tokens: 200,
        messages: [{ role: 'user', content: 'How do I get around?' }],
      })
      .finalText();

  await run({ kind: 'chat_turn', conversationId: 'reset', userId: 'ada' }, () =>
    reuseStep(async () => {
      for (let triesLeft = 3; ; ) {
        try {
          return await ask();
        } catch (error) {
          if (--triesLeft === 0) throw error;
        }
      }
    }),
  );
}

/** The user presses Stop: the step is interrupted, which is no error. What the run is called then, the application says. */
async function stoppedByTheUser({ openai, provider }: Demo): Promise<void> {
  provider.script('gpt-5', slow(25, { text: 'Once upon a time, in a land far away, there was a very long story.' }));
  const stopButton = new AbortController();

  await run({ kind: 'chat_turn', conversationId: 'stopped', userId: 'ada' }, async (run) => {
    const stream = await openai.chat.completions.create(
      { model: 'gpt-5', messages: [{ role: 'user', content: 'Tell me a story.' }], stream: true },
      { signal: stopButton.signal },
    );
    let story = '';
    for await (const chunk of stream) {
      story += chunk.choices[0]?.delta.content ?? '';
      if (story.includes('land')) stopButton.abort();
    }
    if (stopButton.signal.aborted) run.finish('interrupted');
    return story;
  });
}

/** Overloaded, three times over: the client gives up, and the application gets the client's own error. */
async function failedForGood({ anthropic, provider }: Demo): Promise<void> {
  provider.script('claude-opus-5', status(529, { retryAfterMillis: 60 }));

  await run({ kind: 'chat_turn', conversationId: 'failed', userId: 'ada' }, () =>
    anthropic.messages.create({
      model: 'claude-opus-5',
      max_tokens: 200,
      messages: [{ role: 'user', content: 'Are you there?' }],
    }),
  ).catch(() => 'Sorry, the model is overloaded. Please try again later.');
}

/** A run need not be a chat turn; and where there is something to say about a step, it is made by hand. */
async function titleOfTheConversation({ openai, provider }: Demo): Promise<void> {
  provider.script('gpt-5-mini', slow(5, { text: '"A trip in May"', usage: { input: 96, output: 5, cacheRead: 64 } }));

  await run({ kind: 'title', conversationId: 'title', parentConversationId: 'rate-limited', userId: 'ada' }, () =>
    step({ provider: 'openai', model: 'gpt-5-mini' }, async (step) => {
      const answer = await openai.responses.create({ model: 'gpt-5-mini', input: 'A title for: Where to go in May?' });
      const title = answer.output_text.replaceAll('"', '');
      step.finish('completed', { attributes: { 'app.title.length': title.length } });
      return title;
    }),
  );
}

/** The model asks for a tool, the application runs it, and the model answers with what it found. */
async function toolBetweenTwoSteps({ anthropic, provider }: Demo): Promise<void> {
  provider.script(
    'claude-sonnet-5',
    slow(10, {
      text: 'Let me look that up.',
      toolCalls: [{ id: 'toolu_01', name: 'weather', arguments: { city: 'Lisbon' } }],
      usage: { input: 310, output: 42, cacheWrite: 280 },
    }),
    slow(10, { text: 'It will be sunny, 24 degrees.', usage: { input: 372, output: 12, cacheRead: 280 } }),
  );

  const messages: Anthropic.MessageParam[] = [{ role: 'user', content: 'What will the weather be in Lisbon?' }];
  const ask = () =>
    anthropic.messages
      .stream({
        model: 'claude-sonnet-5',
        max_tokens: 200,
        messages,
        tools: [{ name: 'weather', input_schema: { type: 'object', properties: { city: { type: 'string' } } } }],
      })
      .finalMessage();

  await run({ kind: 'chat_turn', agentName: 'travel', conversationId: 'tool', userId: 'ada' }, async () => {
    const { content } = await ask();
    messages.push({ role: 'assistant', content });
    for (const block of content) {
      if (block.type !== 'tool_use') continue;
      const result = await tool({ name: block.name, callId: block.id }, () => weather(block.input));
      messages.push({ role: 'user', content: [{ type: 'tool_result', tool_use_id: block.id, content: result }] });
    }
    return ask();
  });
}

/** Two runs side by side in one process: nothing of one shows up in the other. */
async function twoAtOnce({ openai, anthropic, provider }: Demo): Promise<void> {
  provider.script('gpt-5', status(500, { retryAfterMillis: 30 }), slow(15, { text: 'Yes, by all means.' }));
  provider.script('claude-sonnet-5', slow(15, { text: 'No, better not.' }));
  const messages: [{ role: 'user'; content: string }] = [{ role: 'user', content: 'Shall I?' }];

  await Promise.all([
    run({ kind: 'chat_turn', conversationId: 'at-once-1', userId: 'ada' }, () =>
      openai.chat.completions.create({ model: 'gpt-5', messages }),
    ),
    run({ kind: 'chat_turn', conversationId: 'at-once-2', userId: 'grace' }, () =>
      anthropic.messages.create({ model: 'claude-sonnet-5', max_tokens: 200, messages }),
    ),
  ]);
}

async function weather(_of: unknown): Promise<string> {
  return 'sunny, 24 °C';
}
