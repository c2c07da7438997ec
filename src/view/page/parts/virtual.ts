import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core';
import type { RefObject } from 'preact';
import { useLayoutEffect, useReducer, useState } from 'preact/hooks';

interface VirtualOptions {
  readonly count: number;
  readonly scroller: RefObject<HTMLElement | null>;
  readonly size: (index: number) => number;
  /** Changes when sizes change. */
  readonly sizes: unknown;
  /** A row that is drawn wherever the list is scrolled to: the selected one, which screen readers must find. */
  readonly kept: number;
  /** The height of a heading that stays at the top of the scroller. */
  readonly heading: number;
}

/** Rows above and below the visible ones, so that a scroll does not show a gap. */
const OVERSCAN = 8;

/** Draws only the rows of a long list that can be seen. */
export function useVirtual({
  count,
  scroller,
  size,
  sizes,
  kept,
  heading,
}: VirtualOptions): Virtualizer<HTMLElement, Element> {
  const [, render] = useReducer((renders: number, _: undefined) => renders + 1, 0);
  const options = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: size,
    overscan: OVERSCAN,
    scrollPaddingEnd: heading,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    rangeExtractor: ({
      startIndex,
      endIndex,
      overscan,
    }: {
      startIndex: number;
      endIndex: number;
      overscan: number;
    }) => {
      const first = Math.max(0, startIndex - overscan);
      const last = Math.min(count - 1, endIndex + overscan);
      const visible = Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
      if (kept < 0 || kept >= count || (kept >= first && kept <= last)) return visible;
      return kept < first ? [kept, ...visible] : [...visible, kept];
    },
    onChange: () => render(undefined),
  };
  const [virtualizer] = useState(() => new Virtualizer<HTMLElement, Element>(options));
  virtualizer.setOptions(options);
  useLayoutEffect(() => virtualizer.measure(), [sizes, virtualizer]);
  useLayoutEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => virtualizer._willUpdate());
  return virtualizer;
}
