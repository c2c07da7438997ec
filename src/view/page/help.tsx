import { useLayoutEffect, useRef } from 'preact/hooks';

const KEYS = [
  ['j k ↓ ↑', 'next and previous row'],
  ['Enter', 'open the run; on its page: go to the details of the span'],
  ['Esc', 'back: close what is open, clear the selection or the filter, return to the list'],
  ['/', 'filter by text; Enter selects the first run that matches'],
  ['c', 'in the list: mark a run, then compare it with another; on a run: compare two attempts'],
  ['n', 'show the runs that have arrived'],
  ['1 to 9', 'open an attempt'],
  ['?', 'this help'],
] as const;

/** The keys of the page. */
export function Help({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={onClose}>
      <h2 id="help-title">Keys</h2>
      <dl>
        {KEYS.map(([key, does]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <button type="button" onClick={() => dialog.current?.close()}>
        Close
      </button>
    </dialog>
  );
}
