import { signal } from '@preact/signals';

const announced = signal('');
let timer: ReturnType<typeof setTimeout> | undefined;
const SHOWN_MILLIS = 3000;

/** Says something for a moment, also to screen readers. */
export function announce(text: string): void {
  announced.value = text;
  clearTimeout(timer);
  timer = setTimeout(() => {
    announced.value = '';
  }, SHOWN_MILLIS);
}

export function Announced() {
  return (
    <output class="announced" aria-live="polite">
      {announced.value}
    </output>
  );
}
