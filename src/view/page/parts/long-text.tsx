import { useState } from 'preact/hooks';
import { bytes } from './format.js';

/** More at once makes a browser slow. */
const SHOWN_CHARACTERS = 20_000;

/** A text with its line breaks. Of a very long one the beginning, and a button. With a label it scrolls in a frame of its own. */
export function LongText({ text, label }: { text: string; label?: string }) {
  const [isWhole, showWhole] = useState(false);
  const isLong = text.length > SHOWN_CHARACTERS && !isWhole;
  return (
    <>
      <pre class="text" {...(label && { tabIndex: 0, role: 'region', 'aria-label': label })}>
        {isLong ? text.slice(0, SHOWN_CHARACTERS) : text}
      </pre>
      {isLong && (
        <button type="button" onClick={() => showWhole(true)}>
          Show all {bytes(text.length)}
        </button>
      )}
    </>
  );
}

/** JSON with indents; any other text as it is. */
export function readable(text: string): string {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
