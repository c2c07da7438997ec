/** Every state of the page is a URL. The part after `#` holds it, so that the server need not know it. */
import { signal } from '@preact/signals';
import type { ShownStatus } from '../../model.js';

export type Route =
  | { readonly page: 'list'; readonly filter: Filter; readonly selected?: string }
  | RunRoute
  | { readonly page: 'compare'; readonly traceIds: readonly [string, string] };

export interface RunRoute {
  readonly page: 'run';
  readonly traceId: string;
  /** Absent: the span that explains how the run ended. */
  readonly spanId?: string;
  /** The number of the attempt whose headers and bodies are open. */
  readonly attempt?: number;
  /** The number of the attempt to compare it with. */
  readonly versus?: number;
}

/** Which runs the list shows. An absent field filters nothing. */
export interface Filter {
  readonly text?: string;
  readonly status?: ShownStatus | 'lost_contact';
  readonly kind?: string;
  readonly model?: string;
  /** Only runs with an attempt that failed. */
  readonly failedAttempts?: boolean;
}

export const route = signal<Route>(routeOf(location.hash));
addEventListener('hashchange', () => {
  route.value = routeOf(location.hash);
});

/** The last state of the list: where Esc and the link to the runs lead. */
export const listHash = signal('#/');

/** Opens a state as a new entry of the browser's history. */
export function open(to: Route): void {
  remember(to);
  location.hash = hashOf(to);
}

/** Changes the state without a new entry: for typing, and for moving a selection. */
export function replace(to: Route): void {
  remember(to);
  history.replaceState(null, '', hashOf(to));
  route.value = to;
}

function remember(to: Route): void {
  if (to.page === 'list') listHash.value = hashOf(to);
}

export function hashOf(of: Route): string {
  if (of.page === 'compare') return `#/compare/${of.traceIds.map(encodeURIComponent).join('/')}`;
  const query = new URLSearchParams();
  const set = (name: string, value: string | number | undefined) => {
    if (value !== undefined && value !== '') query.set(name, String(value));
  };
  if (of.page === 'list') {
    set('text', of.filter.text);
    set('status', of.filter.status);
    set('kind', of.filter.kind);
    set('model', of.filter.model);
    set('failed', of.filter.failedAttempts ? 1 : undefined);
    set('run', of.selected);
  } else {
    set('attempt', of.attempt);
    set('versus', of.versus);
  }
  const path = of.page === 'list' ? [] : ['run', of.traceId, ...(of.spanId === undefined ? [] : [of.spanId])];
  const asked = query.toString();
  return `#/${path.map(encodeURIComponent).join('/')}${asked && `?${asked}`}`;
}

function routeOf(hash: string): Route {
  const [path = '', asked = ''] = hash.replace(/^#\/?/, '').split('?');
  const query = new URLSearchParams(asked);
  const [page, first, second] = path.split('/').map(decoded);
  if (page === 'compare' && first && second) return { page, traceIds: [first, second] };
  if (page === 'run' && first) {
    const attempt = count(query.get('attempt'));
    const versus = count(query.get('versus'));
    return {
      page,
      traceId: first,
      ...(second && { spanId: second }),
      ...(attempt && { attempt }),
      ...(versus && { versus }),
    };
  }
  const selected = query.get('run');
  return { page: 'list', filter: filterOf(query), ...(selected && { selected }) };
}

function filterOf(query: URLSearchParams): Filter {
  const text = query.get('text');
  const status = query.get('status') as Filter['status'] | null;
  const kind = query.get('kind');
  const model = query.get('model');
  return {
    ...(text && { text }),
    ...(status && { status }),
    ...(kind && { kind }),
    ...(model && { model }),
    ...(query.get('failed') === '1' && { failedAttempts: true }),
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}

function count(value: string | null): number | undefined {
  const number = Number(value);
  return Number.isInteger(number) && number > 0 ? number : undefined;
}
