/** The viewer's page: starts with the list of runs, and follows the URL. */
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { CompareRuns } from './compare/runs.js';
import { listHash, route } from './data/route.js';
import { connect, connection, hello } from './data/runs.js';
import { Help } from './help.js';
import { RunList } from './list/run-list.js';
import { Announced } from './parts/announce.js';
import { useKeys } from './parts/keys.js';
import { nextTheme, theme } from './parts/theme.js';
import { Run } from './run/run.js';
import './style/base.css';
import './style/list.css';
import './style/run.css';
import './style/step.css';

function Page() {
  const [isHelping, setHelping] = useState(false);
  useKeys({ '?': () => setHelping(true) });
  const { page } = route.value;
  useEffect(() => {
    if (page === 'list') document.title = 'runtrace';
  }, [page]);
  return (
    <>
      <header class="top">
        <a href={listHash.value} aria-current={page === 'list' ? 'page' : undefined}>
          runtrace
        </a>
        <Connected />
        <button type="button" onClick={nextTheme}>
          theme: {theme.value}
        </button>
        <button type="button" onClick={() => setHelping(true)}>
          keys ?
        </button>
      </header>
      <Current />
      <Announced />
      {isHelping && <Help onClose={() => setHelping(false)} />}
    </>
  );
}

function Current() {
  const current = route.value;
  if (current.page === 'compare') return <CompareRuns traceIds={current.traceIds} />;
  return current.page === 'run' ? <Run key={current.traceId} route={current} /> : <RunList route={current} />;
}

function Connected() {
  const says = {
    connecting: 'connecting…',
    connected: hello.value?.files ? 'from files' : 'connected',
    refused: 'another viewer runs here now: open the link that it printed',
    lost: 'the viewer does not answer: what you see may be old',
  };
  return (
    <output class={`connection ${connection.value}`} aria-live="polite">
      {says[connection.value]}
    </output>
  );
}

// The cookie has the token now: neither the history nor a copied URL shall.
if (location.search !== '') history.replaceState(null, '', location.pathname + location.hash);
connect();
const root = document.getElementById('page');
if (root) render(<Page />, root);
