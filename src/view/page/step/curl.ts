import * as names from '../../../otel/names.js';
import type { Attempt, SpanNode } from '../../model.js';
import { sameBodyAs } from './missing.js';

/** Where each provider expects its key, and the variable in which users have it. */
const KEYS: Readonly<Record<string, { header: string; value: string }>> = {
  openai: { header: 'authorization', value: 'Bearer $OPENAI_API_KEY' },
  anthropic: { header: 'x-api-key', value: '$ANTHROPIC_API_KEY' },
  'gcp.gemini': { header: 'x-goog-api-key', value: '$GEMINI_API_KEY' },
  'gcp.gen_ai': { header: 'x-goog-api-key', value: '$GEMINI_API_KEY' },
  'azure.ai.openai': { header: 'api-key', value: '$AZURE_OPENAI_API_KEY' },
  'azure.ai.inference': { header: 'api-key', value: '$AZURE_INFERENCE_API_KEY' },
  mistral_ai: { header: 'authorization', value: 'Bearer $MISTRAL_API_KEY' },
  cohere: { header: 'authorization', value: 'Bearer $CO_API_KEY' },
};
const OTHER_KEY = { header: 'authorization', value: 'Bearer $API_KEY' };

/** Headers that hold a key, and headers that curl or the client's library makes itself. */
const KEY_HEADER = /^(?:proxy-)?authorization$|api[-_]?key|token|secret|cookie|signature/i;
const OWN_HEADER = /^(?:host|connection|content-length|accept-encoding|transfer-encoding|user-agent|x-stainless-.*)$/i;
const KEY_PARAMETER = /([?&](?:api[-_]?key|key|token|access_token|sig|signature)=)[^&#]*/gi;

/**
 * The attempt as a command for curl. The key is never in it: it names the variable in which the user has it. Everything that came from the
 * trace is quoted, so that a shell runs nothing of it.
 */
export function curlOf(span: SpanNode, attempt: Attempt): string {
  const { url = '', method = 'POST', requestHeaders } = attempt;
  if (!/^https?:\/\//i.test(url)) throw new Error('the attempt has no URL');
  const key = keyOf(span);
  const lines = [`curl --globoff --request ${quoted(method)} --url ${quotedUrl(url, key.value)}`];
  const headers = Object.entries(requestHeaders).filter(([name]) => !KEY_HEADER.test(name) && !OWN_HEADER.test(name));
  for (const [name, value] of headers) lines.push(`--header ${quoted(`${name}: ${value}`)}`);
  // In double quotes, so that the shell fills the variable in.
  lines.push(`--header "${key.header}: ${key.value}"`);
  if (
    /anthropic/.test(String(span.attributes[names.GEN_AI_PROVIDER_NAME])) &&
    !('anthropic-version' in requestHeaders)
  ) {
    lines.push("--header 'anthropic-version: 2023-06-01'");
  }
  const body = attempt.requestBody ?? sameBodyAs(span, attempt)?.requestBody;
  if (body !== undefined) lines.push(`--data-raw ${quoted(body)}`);
  else if (method !== 'GET') lines.push('--data @request.json');
  return lines.join(' \\\n  ');
}

function keyOf({ attributes }: SpanNode): { header: string; value: string } {
  const provider = String(attributes[names.GEN_AI_PROVIDER_NAME]);
  return (Object.hasOwn(KEYS, provider) ? KEYS[provider] : undefined) ?? OTHER_KEY;
}

/** A key in the query is named by its variable, between the quotes of the rest. */
function quotedUrl(url: string, value: string): string {
  const variable = value.replace('Bearer ', '');
  return quoted(url).replace(KEY_PARAMETER, (_, name) => `${name}'"${variable}"'`);
}

/** One word for a shell, of text that may hold anything. What controls a terminal is left out. */
function quoted(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal obeys them, even in a text that is pasted.
  const printable = text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
  return `'${printable.replaceAll("'", `'\\''`)}'`;
}
