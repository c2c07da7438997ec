import { findKeys } from '../../../src/capture/redact/keys/find-keys.js';
import { findPemBlocks, findSchemes } from '../../../src/capture/redact/keys/schemes.js';
import { createRedactor } from '../../../src/capture/redact/redactor.js';
import { measure, type Row, ratioRow } from './measure.js';
import { words } from './spans.js';

const MAX_BYTES = 65_536;

/** A conversation as a chat product sends it. */
function conversation(bytes: number): string {
  const messages: unknown[] = [];
  for (let size = 0, turn = 0; size < bytes - 1200; turn++) {
    const content = `${words(400)} It's "quoted", costs $${turn}.99 and has\nseveral lines.`;
    messages.push({ role: turn % 2 ? 'assistant' : 'user', content });
    messages.push({
      role: 'tool',
      tool_call_id: `call_${turn}`,
      content: JSON.stringify({ city: 'Lisbon', id: turn }),
    });
    size = JSON.stringify(messages).length;
  }
  return JSON.stringify({ model: 'gpt-5', temperature: 0.2, max_tokens: 512, messages });
}

function stream(bytes: number): string {
  let text = '';
  for (let i = 0; text.length < bytes; i++) {
    const choices = [{ index: 0, delta: { content: ` word ${i}` }, finish_reason: null }];
    text += `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'gpt-5', choices })}\n\n`;
  }
  return `${text}data: [DONE]\n\n`;
}

function onePass(text: string): number {
  const edits: Parameters<typeof findKeys>[1] = [];
  findKeys(text, edits);
  findPemBlocks(text, edits);
  findSchemes(text, edits);
  return edits.length;
}

async function redaction(text: string, contentType: string, parse: (text: string) => number): Promise<Row> {
  const redactor = createRedactor();
  const size = Buffer.byteLength(text);
  let kept = 0;
  const measured = await measure({
    count: 40,
    ours: (count) => {
      for (let i = 0; i < count; i++) kept += redactor.body(text, contentType, MAX_BYTES, size)?.text.length ?? 0;
    },
    floor: (count) => {
      for (let i = 0; i < count; i++) kept += parse(text) + onePass(text);
    },
  });
  if (kept === 0) throw new Error('nothing was kept');
  return ratioRow('JSON.parse, JSON.stringify and one pass of the same patterns', measured, 1.2);
}

export const redactJson = () =>
  redaction(conversation(50_000), 'application/json', (text) => JSON.stringify(JSON.parse(text)).length);

/** Prose as an answer of a model has it: Markdown with lists, code and links. */
function prose(bytes: number): string {
  let text = '';
  for (let paragraph = 0; text.length < bytes; paragraph++) {
    text += `## Step ${paragraph}: configure\n\n${words(120)}. See https://example.com/docs/${paragraph}?tab=api#usage for more.\n\n`;
    text += `- **Note:** ${words(12)}\n- Set \`max_tokens = ${paragraph}\`, then run \`npm run build -- --verbose\`.\n\n`;
  }
  return text;
}

export const redactProse = () => redaction(prose(50_000), 'text/plain', (text) => text.length);

export const redactSse = () =>
  redaction(stream(50_000), 'text/event-stream', (text) => {
    let length = 0;
    for (const line of text.split('\n')) {
      if (line.startsWith('data: {')) length += JSON.stringify(JSON.parse(line.slice(6))).length;
    }
    return length;
  });
