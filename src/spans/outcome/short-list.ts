/** Lists that mostly have no item or one, such as the attempts in flight of a step: smaller than a set, and as fast. */

/** Where such a list begins: one for all of them, because no empty list is changed. */
export const NO_ITEMS: never[] = [];

/** The list with one more item. V8 makes room for 17 when an empty list gets its first item by `push`, and for one if the list is made with it. */
export function appended<T>(list: T[], item: T): T[] {
  if (list.length === 0) return [item];
  list.push(item);
  return list;
}

/** Removes an item. Returns whether the list had it. */
export function remove<T>(list: T[], item: T): boolean {
  const index = list.indexOf(item);
  if (index < 0) return false;
  if (index === list.length - 1) list.pop();
  else list.splice(index, 1);
  return true;
}
