import { signal } from '@preact/signals';

/** `system`: light or dark, as the system is. */
export type Theme = 'system' | 'light' | 'dark';

const THEMES: readonly Theme[] = ['system', 'light', 'dark'];
const KEY = 'runtrace.theme';

export const theme = signal<Theme>(stored());
show();

/** Goes on to the next theme. */
export function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] as Theme;
  try {
    localStorage.setItem(KEY, theme.value);
  } catch {
    // A browser may forbid storage: then the theme lasts as long as the page.
  }
  show();
}

function show(): void {
  const { dataset } = document.documentElement;
  if (theme.value === 'system') delete dataset.theme;
  else dataset.theme = theme.value;
}

function stored(): Theme {
  try {
    return THEMES.find((name) => name === localStorage.getItem(KEY)) ?? 'system';
  } catch {
    return 'system';
  }
}
