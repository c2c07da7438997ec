/** Where a list begins that is made by `appended`, which changes no empty list: one for all of them. */
export const NO_ITEMS: never[] = [];

/**
 * The list with one more item. Lists that mostly have one item are held by each step: V8 makes room for 17 when an empty list gets its first
 * item by `push`, and for one if the list is made with it.
 */
export function appended<T>(list: T[], item: T): T[] {
  if (list.length === 0) return [item];
  list.push(item);
  return list;
}
