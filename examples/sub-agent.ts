/** A sub-agent: its run is a child in the trace of the run that started it, with a conversation of its own. */
import OpenAI from 'openai';
import { recordingFetch, run, tool } from 'runtrace';
import { ok, startProvider } from './demo/provider.js';
import { sdk } from './tracing.js';

// Stands in for api.openai.com, so that no key is needed.
const provider = await startProvider();
const toolCalls = [{ id: 'call_1', name: 'research', arguments: { question: 'trains to Lisbon' } }];
provider.script('gpt-5', ok({ toolCalls }), ok({ text: 'Take the night train.' }));
provider.script('gpt-5-mini', ok({ text: 'There is a night train from Madrid.' }));

const openai = new OpenAI({ apiKey: 'none', baseURL: `${provider.url}/v1`, fetch: recordingFetch });
const ask = (model: string, content: string) =>
  openai.chat.completions.create({ model, messages: [{ role: 'user', content }] });

await run({ kind: 'chat_turn', agentName: 'travel', conversationId: 'chat-3' }, async () => {
  const plan = await ask('gpt-5', 'How do I get to Lisbon?');
  for (const call of plan.choices[0]?.message.tool_calls ?? []) {
    const found = await tool({ name: 'research', callId: call.id }, () => research('trains to Lisbon'));
    console.log((await ask('gpt-5', found)).choices[0]?.message.content);
  }
});

function research(question: string): Promise<string> {
  const conversation = { conversationId: 'chat-3.1', parentConversationId: 'chat-3', rootConversationId: 'chat-3' };
  return run({ kind: 'sub_agent', agentName: 'research', ...conversation }, async () => {
    const answer = await ask('gpt-5-mini', question);
    return answer.choices[0]?.message.content ?? '';
  });
}

await sdk.shutdown();
await provider.close();
