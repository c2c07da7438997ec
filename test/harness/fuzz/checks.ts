import type { Redactor } from '../../../src/capture/redact/redactor.js';
import { findLeak, harmlessCase, type Input, keep, secretCase } from './fuzz.js';

/** Says what is wrong with what is kept of the secret case of a seed; `undefined` if nothing is. */
export function checkSecret(redactor: Redactor, seed: number): string | undefined {
  const { input, needles, arrived, maxBytes } = secretCase(seed);
  const kept = keep(redactor, input, arrived, maxBytes);
  const leak = findLeak(kept, needles);
  if (leak !== undefined) return describe(`kept '${leak}'`, input, kept);
  if (input.place !== 'body') return undefined;
  const size = Buffer.byteLength(kept);
  if (size > maxBytes) return describe(`kept ${size} bytes of at most ${maxBytes}`, input, kept);
  if (!isValid(kept, input.contentType)) return describe('kept what is no JSON', input, kept);
  return undefined;
}

/** Says what is wrong with what is kept of the harmless case of a seed; `undefined` if nothing is. */
export function checkHarmless(redactor: Redactor, seed: number): string | undefined {
  const { input } = harmlessCase(seed);
  const kept = keep(redactor, input);
  const original = sourceOf(input);
  return kept === original ? undefined : describe('changed', input, kept);
}

function sourceOf(input: Input): string {
  switch (input.place) {
    case 'header':
    case 'attribute':
      return input.value;
    case 'url':
      return input.url;
    case 'json':
      return JSON.stringify(input.value);
    default:
      return input.text;
  }
}

function isValid(kept: string, contentType: string | undefined): boolean {
  if (kept === '') return true;
  if (contentType?.includes('json') !== true || contentType.includes('ndjson')) return linesAreValid(kept, contentType);
  return contentType.includes('jsonl') ? linesAreValid(kept, contentType) : isJson(kept);
}

function linesAreValid(kept: string, contentType: string | undefined): boolean {
  if (!/json/.test(contentType ?? '')) return true;
  return kept.split('\n').every((line) => line === '' || isJson(line));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function describe(what: string, input: Input, kept: string): string {
  return `${what}\n  of   ${JSON.stringify(input)}\n  kept ${JSON.stringify(kept)}`;
}
