import { useLayoutEffect, useRef } from 'preact/hooks';

/** What a key does, by its `KeyboardEvent.key`. */
export type Keys = Readonly<Record<string, () => void>>;

/** Keys that a focused button, link or menu needs for itself. */
const OF_CONTROLS: ReadonlySet<string> = new Set(['Enter', ' ']);

/** Listens to the keys while the component is on the page. Keys with Ctrl, Alt or Meta are the browser's. */
export function useKeys(keys: Keys): void {
  const current = useRef(keys);
  current.current = keys;
  // A plain effect waits for the next frame: a key that is pressed as soon as the component is on the page would be lost.
  useLayoutEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
      const target = event.target as Element;
      if (event.key !== 'Escape' && target.matches('input, select, textarea')) return;
      if (document.querySelector('dialog[open]')) return;
      if (OF_CONTROLS.has(event.key) && target.matches('button, a, summary')) return;
      const act = Object.hasOwn(current.current, event.key) ? current.current[event.key] : undefined;
      if (!act) return;
      event.preventDefault();
      act();
    };
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, []);
}
