/** The bar on top: views, undo and redo, and what is done with the mixture. */
import { useEffect, useState } from 'preact/hooks';
import { Icon, type IconName } from '../../view/icons';
import { pin, redo, reset, show, undo } from '../state/actions';
import { same } from '../state/settings';
import type { State, View } from '../state/store';
import { ExportDialog } from './export';
import { SaveDialog } from './save';

export function Top({ state }: { state: State }) {
  const [dialog, open] = useState<'save' | 'export' | null>(null);
  const bare = state.model.bare === true;
  const views: [View, string][] = [
    ...(bare
      ? []
      : ([
          ['mixture', 'Mixture'],
          ['compare', state.pins.length > 0 ? `Compare (${state.pins.length})` : 'Compare'],
          ['prediction', 'Prediction'],
        ] as [View, string][])),
    ...(state.model.runs_known || (state.model.ledger && !bare) ? ([['swarm', 'Swarm']] as [View, string][]) : []),
    ...(state.model.project ? ([['project', 'Project']] as [View, string][]) : []),
  ];
  useEffect(() => {
    document.querySelector('.views [aria-current="page"]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [state.view]);
  const changed = !same(state.settings, state.model.settings);
  return (
    <header class="top">
      <h1 class="title">
        <span class="mark">olmix</span>
        <span class="name" title={state.model.title}>
          {shortened(state.model.title)}
        </span>
      </h1>
      <nav class="views" aria-label="Views">
        {views.map(([view, name]) => (
          <button
            type="button"
            key={view}
            class={state.view === view ? 'view current' : 'view'}
            aria-current={state.view === view ? 'page' : undefined}
            onClick={() => show(view)}
          >
            {name}
          </button>
        ))}
      </nav>
      {!bare && <div class="tools" role="group" aria-label="Changes and results">
        <Tool icon="undo" label="Undo" hint="Undo (Ctrl+Z)" off={state.past.length === 0} run={undo} />
        <Tool icon="redo" label="Redo" hint="Redo (Ctrl+Shift+Z)" off={state.future.length === 0} run={redo} />
        <Tool icon="reset" label="Reset" hint="Return to the settings of the file" off={!changed} run={reset} />
        <span class="gap" />
        <Tool icon="pin" label="Pin" hint="Put this mixture aside, and compare with it" off={state.settings !== state.solvedFor} run={() => pin()} word />
        <Tool icon="export" label="Export" hint="Weights as CSV, JSON or a trainer’s configuration" off={false} run={() => open('export')} word />
        <button type="button" class="button main" onClick={() => open('save')} title="Write a fit config that gives this mixture">
          <Icon name="save" />
          Save config
        </button>
      </div>}
      {dialog === 'save' && <SaveDialog state={state} close={() => open(null)} />}
      {dialog === 'export' && <ExportDialog state={state} close={() => open(null)} />}
    </header>
  );
}

/** The last folders of a path. */
function shortened(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== 'mixture.json');
  return parts.length > 2 ? `…/${parts.slice(-2).join('/')}` : parts.join('/') || path;
}

function Tool(props: { icon: IconName; label: string; hint: string; off: boolean; run: () => void; word?: boolean }) {
  return (
    <button type="button" class={props.word ? 'button' : 'button quiet icon-only'} title={props.hint} disabled={props.off} onClick={props.run}>
      <Icon name={props.icon} />
      <span class={props.word ? 'word' : 'off-screen'}>{props.label}</span>
    </button>
  );
}
