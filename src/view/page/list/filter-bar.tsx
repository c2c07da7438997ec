import type { RefObject } from 'preact';
import { type Filter, type Route, replace } from '../data/route.js';
import { hello, isPaused, kinds, models, newRuns, setPaused, showNewRuns } from '../data/runs.js';
import { plural } from '../parts/format.js';
import { WORDS } from '../parts/status.js';

type ListRoute = Extract<Route, { page: 'list' }>;

const STATUSES = ['completed', 'error', 'interrupted', 'in_progress', 'lost_contact', 'unknown'] as const;

interface FilterBarProps {
  readonly route: ListRoute;
  readonly shown: number;
  readonly all: number;
  readonly input: RefObject<HTMLInputElement | null>;
  /** The text is complete: Enter was pressed. */
  readonly onEnter: () => void;
}

/** The filter, how many runs it shows, and what has arrived since. */
export function FilterBar({ route, shown, all, input, onEnter }: FilterBarProps) {
  const { filter } = route;
  const change = (changed: { [Name in keyof Filter]?: Filter[Name] | undefined }) => {
    const entries = Object.entries({ ...filter, ...changed }).filter(
      ([, value]) => value !== undefined && value !== '',
    );
    replace({ ...route, filter: Object.fromEntries(entries) });
  };
  return (
    <search class="filter">
      <input
        ref={input}
        type="search"
        aria-label="Filter by text"
        placeholder="filter by text  ( / )"
        value={filter.text ?? ''}
        onInput={({ currentTarget }) => change({ text: currentTarget.value })}
        // While an input method composes a character, its Enter only chooses that.
        onKeyDown={({ key, isComposing }) => key === 'Enter' && !isComposing && onEnter()}
      />
      <Choice
        label="status"
        value={filter.status}
        options={STATUSES.map((status) => [status, WORDS[status]])}
        onChange={(status) => change({ status: status as Filter['status'] })}
      />
      <Choice
        label="kind"
        value={filter.kind}
        options={kinds.value.map((kind) => [kind, kind])}
        onChange={(kind) => change({ kind })}
      />
      <Choice
        label="model"
        value={filter.model}
        options={models.value.map((model) => [model, model])}
        onChange={(model) => change({ model })}
      />
      <label class="check">
        <input
          type="checkbox"
          checked={filter.failedAttempts ?? false}
          onChange={({ currentTarget }) => change({ failedAttempts: currentTarget.checked || undefined })}
        />
        failed attempts
      </label>
      <span class="count">{shown === all ? plural(all, 'run') : `${shown} of ${plural(all, 'run')}`}</span>
      {!hello.value?.files && (
        <>
          <button type="button" aria-pressed={isPaused.value} onClick={() => setPaused(!isPaused.value)}>
            {isPaused.value ? '▶ resume' : '‖ pause'}
          </button>
          <span aria-live="polite">
            {newRuns.value > 0 && (
              <button type="button" class="new" onClick={showNewRuns}>
                {newRuns.value} new
              </button>
            )}
          </span>
        </>
      )}
    </search>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string | undefined;
  readonly options: readonly (readonly [value: string, text: string])[];
  readonly onChange: (value: string) => void;
}

function Choice({ label, value, options, onChange }: ChoiceProps) {
  // A value from the URL may be of no run that is here.
  const all =
    value === undefined || options.some(([option]) => option === value) ? options : [[value, value], ...options];
  return (
    <select
      aria-label={`Filter by ${label}`}
      value={value ?? ''}
      onChange={({ currentTarget }) => onChange(currentTarget.value)}
    >
      <option value="">any {label}</option>
      {all.map(([option, text]) => (
        <option key={option} value={option}>
          {text}
        </option>
      ))}
    </select>
  );
}
