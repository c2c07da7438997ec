/**
 * The words of a text, with one blank between two.
 *
 * A bundler leaves out the call where the set is not used, if it is marked as pure. It would keep `new Set(text.split(' '))`, because it does
 * not know what `split` does.
 */
export function wordSet(text: string): ReadonlySet<string> {
  return new Set(text.split(' '));
}
