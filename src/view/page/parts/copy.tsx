import { useRef } from 'preact/hooks';
import { announce } from './announce.js';

export interface Copyable {
  readonly name: string;
  readonly text: () => string | Promise<string>;
}

/** A menu of what can be copied. */
export function CopyMenu({ items, label = 'Copy' }: { items: readonly Copyable[]; label?: string }) {
  const menu = useRef<HTMLDetailsElement>(null);
  const copy = async ({ name, text }: Copyable) => {
    if (menu.current) menu.current.open = false;
    menu.current?.querySelector('summary')?.focus();
    try {
      await toClipboard(await text());
      announce(`Copied ${name}`);
    } catch (error) {
      announce(`Could not copy ${name}: ${error instanceof Error ? error.message : error}`);
    }
  };
  return (
    <details
      class="menu"
      ref={menu}
      onFocusOut={({ relatedTarget }) => {
        if (menu.current && !menu.current.contains(relatedTarget as Node | null)) menu.current.open = false;
      }}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || !menu.current?.open) return;
        event.stopPropagation();
        menu.current.open = false;
        menu.current.querySelector('summary')?.focus();
      }}
    >
      <summary>{label}</summary>
      <div class="items">
        {items.map((item) => (
          <button type="button" key={item.name} onClick={() => void copy(item)}>
            {item.name}
          </button>
        ))}
      </div>
    </details>
  );
}

async function toClipboard(text: string): Promise<void> {
  // Browsers have the clipboard only where a page is secure: not on another address than loopback.
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand('copy');
  area.remove();
  if (!isCopied) throw new Error('the browser does not allow it');
}
