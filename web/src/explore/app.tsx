/** The frame of the page: the bar on top, the message of the moment, and the view. */
import { CompareView } from './compare/view';
import { Headline } from './frame/headline';
import { Notices } from './frame/notices';
import { Top } from './frame/top';
import { MixtureView } from './mixture/view';
import { PredictionView } from './prediction/view';
import { ProjectView } from './project/view';
import type { Refusal } from './state/client';
import { sentence } from './state/actions';
import type { State } from './state/store';
import { SwarmView } from './swarm/view';

export function App({ state }: { state: State }) {
  // Without a mixture there are the runs and the project.
  const bare = state.model.bare === true && state.view !== 'project';
  const view = bare ? (state.model.runs_known ? 'swarm' : 'project') : state.view;
  return (
    <div class={state.offline ? 'app is-offline' : 'app'} data-solved={String(state.settings === state.solvedFor && !state.dragging)}>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), document.getElementById('main')?.focus())}>
        Skip to the view
      </a>
      <Top state={state} />
      <Notices state={state} />
      <main id="main" tabIndex={-1}>
        {(view === 'mixture' || view === 'compare') && <Headline state={state} />}
        {view === 'mixture' && <MixtureView state={state} />}
        {view === 'compare' && <CompareView state={state} />}
        {view === 'prediction' && <PredictionView state={state} />}
        {view === 'swarm' && <SwarmView state={state} />}
        {view === 'project' && <ProjectView state={state} />}
      </main>
    </div>
  );
}

/** Where there is no mixture to show at all. */
export function Failed(props: { refusal: Refusal; again: () => void }) {
  return (
    <main class="failed">
      <h1>Nothing to explore</h1>
      <p>{sentence(props.refusal.message)}</p>
      {props.refusal.help && <p class="muted">{sentence(props.refusal.help)}</p>}
      <button type="button" class="button main" onClick={props.again}>
        Try again
      </button>
    </main>
  );
}
