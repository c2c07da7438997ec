import { isDescription } from './harmless.js';
import { isSecretLike } from './words.js';

/** The keys that stand beside a token of text, as analysers of language and models write them. */
const BESIDE =
  /["'](?:pos|tag|upos|xpos|lemma|dep|deprel|head|ner|entity|label|logprob|prob|probability|score|offset|start|end|start_offset|position|frequency|freq|count|tf|idf|bytes|stem|shape|morph|is_stop|sentiment|rank|weight|top_logprobs)["']\s*:/;
const FARTHEST = 120;
const LONGEST = 24;

/** Whether the value of `token` at `at` is a piece of text, as the keys in the same object show: `{"token":"the","pos":"DET"}`. */
export function isTextToken(text: string, at: number, value: string): boolean {
  if (value.length > LONGEST || isSecretLike(value) || isDescription(value)) return false;
  const before = text.slice(Math.max(0, at - FARTHEST), at);
  const after = text.slice(at, at + FARTHEST);
  return BESIDE.test(before.slice(before.lastIndexOf('{') + 1)) || BESIDE.test(after.split('}', 1)[0] ?? '');
}
