import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { RunRow } from '../../model.js';
import { route as currentRoute, open, type Route, replace } from '../data/route.js';
import { connection, hasRead, hello, olderRuns, rows, setHeld, showNewRuns } from '../data/runs.js';
import { announce } from '../parts/announce.js';
import { type Keys, useKeys } from '../parts/keys.js';
import { useNarrow, useNow } from '../parts/surroundings.js';
import { useVirtual } from '../parts/virtual.js';
import { matches, wordsOf } from './filter.js';
import { FilterBar } from './filter-bar.js';
import { markedRun } from './marked-run.js';
import { COLUMNS, RunRowView, rowId } from './run-row.js';

/** As in the style sheet. */
const ROW_HEIGHT = 28;
const NARROW_ROW_HEIGHT = 74;

export function RunList({ route }: { route: Extract<Route, { page: 'list' }> }) {
  const { filter, selected } = route;
  const all = rows.value;
  const shown = useMemo(() => {
    const words = wordsOf(filter.text);
    return all.filter((row) => matches(row, filter, words));
  }, [all, filter]);
  const at = selected === undefined ? -1 : shown.findIndex(({ traceId }) => traceId === selected);
  const scroller = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const isNarrow = useNarrow();
  const height = isNarrow ? NARROW_ROW_HEIGHT : ROW_HEIGHT;
  const heading = isNarrow ? 0 : ROW_HEIGHT;
  const virtual = useVirtual({ count: shown.length, scroller, size: () => height, sizes: height, kept: at, heading });
  const now = useNow(virtual.getVirtualItems().some(({ index }) => shown[index]?.status === 'in_progress'));

  // A user who has selected a row, and sees it, or has scrolled is reading: new runs must not move the rows.
  const isSelecting = at >= 0;
  const hold = () => setHeld(isSelecting || (scroller.current?.scrollTop ?? 0) > 0);
  useEffect(hold, [isSelecting]);
  useEffect(() => () => setHeld(false), []);

  const select = (row: RunRow | undefined) => {
    replace({ page: 'list', filter, ...(row && { selected: row.traceId }) });
    if (row) virtual.scrollToIndex(shown.indexOf(row), { align: 'auto' });
  };
  // Keys may come faster than the page is drawn: the URL is ahead of `at`.
  const selectedNow = () => {
    const { value } = currentRoute;
    return shown.findIndex(({ traceId }) => value.page === 'list' && traceId === value.selected);
  };
  const move = (by: number) => {
    const from = selectedNow();
    const to = from >= 0 ? from + by : by > 0 ? 0 : shown.length - 1;
    select(shown[Math.min(shown.length - 1, Math.max(0, to))]);
  };
  const openRun = (row: RunRow | undefined) => {
    if (!row) return;
    replace({ page: 'list', filter, selected: row.traceId });
    open({ page: 'run', traceId: row.traceId });
  };
  const compare = () => {
    const row = shown[selectedNow()];
    if (!row) return announce('Select a run with j or k first');
    const other = markedRun.value;
    if (other === undefined || other === row.traceId) {
      markedRun.value = other === undefined ? row.traceId : undefined;
      return announce(other === undefined ? 'Marked: press c on another run to compare them' : 'No longer marked');
    }
    markedRun.value = undefined;
    open({ page: 'compare', traceIds: [other, row.traceId] });
  };
  const leaveFilter = () => {
    scroller.current?.focus();
    select(shown[Math.max(0, selectedNow())]);
  };
  const keys: Keys = {
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    PageDown: () => move(Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / height) - 1)),
    PageUp: () => move(-Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / height) - 1)),
    Home: () => select(shown[0]),
    End: () => select(shown.at(-1)),
    Enter: () => openRun(shown[selectedNow()]),
    c: compare,
    n: showNewRuns,
    '/': () => input.current?.focus(),
    Escape: () => {
      if (document.activeElement === input.current) return scroller.current?.focus();
      if (markedRun.value !== undefined) markedRun.value = undefined;
      else if (selected !== undefined) select(undefined);
      else replace({ page: 'list', filter: {} });
    },
  };
  useKeys(keys);

  const onClick = (event: MouseEvent) => {
    const target = event.target as Element;
    // The browser opens a link itself, in another tab where that was asked for.
    if (event.ctrlKey || event.metaKey || event.shiftKey || !target.closest('[role=row]')) return;
    const id = target.closest('[role=row]')?.id;
    const row = shown.find((candidate) => rowId(candidate) === id);
    if (!row) return;
    event.preventDefault();
    openRun(row);
  };
  return (
    <main class="list">
      <h1 class="unseen">Runs</h1>
      <FilterBar route={route} shown={shown.length} all={all.length} input={input} onEnter={leaveFilter} />
      <div
        ref={scroller}
        class="scroller"
        role="grid"
        aria-label="Runs"
        aria-rowcount={shown.length + 1}
        aria-activedescendant={at >= 0 ? rowId(shown[at] as RunRow) : undefined}
        tabIndex={0}
        onScroll={hold}
        onClick={onClick}
      >
        <div role="row" class="run-row heading" aria-rowindex={1}>
          {COLUMNS.map((column) => (
            <div key={column} role="columnheader" class={`c-${column}`}>
              {column}
            </div>
          ))}
        </div>
        <div role="rowgroup" class="rows" style={{ height: `${virtual.getTotalSize()}px` }}>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const row = shown[index];
            return (
              row && (
                <RunRowView
                  key={row.traceId}
                  row={row}
                  index={index}
                  top={start}
                  isSelected={index === at}
                  isMarked={row.traceId === markedRun.value}
                  now={now}
                />
              )
            );
          })}
        </div>
      </div>
      {shown.length === 0 && <Empty hasRuns={all.length > 0} />}
      {olderRuns.value > 0 && <p class="note">{olderRuns.value} older runs have left the viewer's memory.</p>}
    </main>
  );
}

function Empty({ hasRuns }: { hasRuns: boolean }) {
  if (hasRuns) return <p class="empty">No run matches the filter. Esc clears it.</p>;
  if (!hasRead.value)
    return (
      <p class="empty">{connection.value === 'connecting' ? 'Reading the runs…' : 'The viewer does not answer.'}</p>
    );
  if (hello.value?.files) return <p class="empty">The files contain no run.</p>;
  return (
    <p class="empty">
      No run has arrived yet. Start a program with <kbd>npx runtrace view -- node app.js</kbd>, or have one send its
      traces here: <kbd>OTEL_EXPORTER_OTLP_ENDPOINT={location.origin}</kbd>
    </p>
  );
}
