/** Mixtures side by side: the one on screen, the one as opened, and up to four that were pinned. */
import { useMemo, useRef } from 'preact/hooks';
import { along } from '../../view/bar';
import { CopyButton } from '../../view/copy';
import { csv } from '../../view/csv';
import { change as signed, loss, percent } from '../../view/format';
import { Icon } from '../../view/icons';
import { useWindow, WHOLE } from '../../view/virtual';
import { compareWith, edit, pin, rename, unpin } from '../state/actions';
import { average, familyLoss, verdict } from '../state/losses';
import { taskShares } from '../state/settings';
import { baselineOf, type Scenario, type State } from '../state/store';

interface Shown extends Scenario {
  /** The position among the pins; -1 as opened, -2 on screen. */
  position: number;
}

export function CompareView({ state }: { state: State }) {
  const all: Shown[] = [
    { name: 'on screen', settings: state.settings, solved: state.solved, position: -2 },
    { ...state.opened, position: -1 },
    ...state.pins.map((each, position) => ({ ...each, position })),
  ];
  return (
    <section class="panel compare" aria-label="Mixtures side by side">
      <header>
        <h2>Side by side</h2>
        <span class="muted">
          {state.pins.length === 0 ? 'Pin a mixture to keep it while you try others; up to four stand here.' : 'Losses are under the task weights on screen.'}
        </span>
        <span class="gap" />
        <button type="button" class="button" onClick={() => pin()}>
          <Icon name="pin" />
          Pin the mixture on screen
        </button>
        <CopyButton quiet label="CSV" text={() => asCsv(state, all)} />
      </header>
      <Table state={state} all={all} />
    </section>
  );
}

function asCsv(state: State, all: Shown[]): string {
  const { domains, law } = state.model.mixture;
  const rows: (string | number | null)[][] = [
    ...domains.map((domain, j) => ['weight', domain.name, ...all.map((each) => each.solved.weights[j]!)]),
    ...law.tasks.map((task, i) => ['loss', task.name, ...all.map((each) => each.solved.losses[i]!)]),
  ];
  return csv(['what', 'name', ...all.map((each) => each.name)], rows);
}

interface Line {
  key: string;
  kind: 'section' | 'loss' | 'weight';
  name: string;
  strong?: boolean;
  values: number[];
}

function Table({ state, all }: { state: State; all: Shown[] }) {
  const { model, families } = state;
  const shares = taskShares(model, state.solvedFor);
  const base = Math.max(0, all.findIndex((each) => each.position === state.baseline));
  const lines = useMemo(() => {
    const { domains, law } = model.mixture;
    const grouped = families.length > 1 && families.length < law.tasks.length;
    const list: Line[] = [
      { key: 'l', kind: 'section', name: 'Predicted loss', values: [] },
      { key: 'average', kind: 'loss', name: 'Average', strong: true, values: all.map((each) => average(shares, each.solved.losses)) },
    ];
    if (grouped) for (const family of families) list.push({ key: `f${family.name}`, kind: 'loss', name: family.name, strong: true, values: all.map((each) => familyLoss(family, shares, each.solved.losses)) });
    law.tasks.forEach((task, i) => list.push({ key: `t${task.name}`, kind: 'loss', name: task.name, values: all.map((each) => each.solved.losses[i]!) }));
    list.push({ key: 'w', kind: 'section', name: 'Share of the mixture', values: [] });
    domains.forEach((domain, j) => list.push({ key: `d${domain.name}`, kind: 'weight', name: domain.name, values: all.map((each) => each.solved.weights[j]!) }));
    return list;
  }, [state.solved, state.pins, state.opened, state.settings]);
  const most = Math.max(...all.flatMap((each) => each.solved.weights));
  const scroller = useRef<HTMLDivElement>(null);
  const window = useWindow(scroller, lines.length, 32);
  const ruler = baselineOf(state).name;
  return (
    <div class={lines.length > WHOLE ? 'scroller tall' : 'scroller'} ref={scroller} tabIndex={0} role="group" aria-label="Table of mixtures side by side">
      <table class="side-by-side" aria-rowcount={lines.length + 1}>
        <thead>
          <tr>
            <th scope="col">
              <span class="off-screen">Name</span>
            </th>
            {all.map((each) => (
              <th key={each.position} scope="col">
                <Head each={each} state={state} ruler={each.position === state.baseline} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {window.before > 0 && (
            <tr class="space" aria-hidden="true">
              <td colSpan={all.length + 1} style={{ height: `${window.before}px` }} />
            </tr>
          )}
          {lines.slice(window.from, window.to).map((line, i) => (
            <tr key={line.key} aria-rowindex={window.from + i + 2} class={line.kind === 'section' ? 'section' : line.strong ? 'strong' : ''}>
              <th scope="row" title={line.name} colSpan={line.kind === 'section' ? all.length + 1 : 1}>
                {line.name}
              </th>
              {line.values.map((value, column) => (
                <td key={column}>
                  {line.kind === 'loss' ? <Loss value={value} base={line.values[base]!} own={column === base} /> : <Weight value={value} most={most} />}
                </td>
              ))}
            </tr>
          ))}
          {window.behind > 0 && (
            <tr class="space" aria-hidden="true">
              <td colSpan={all.length + 1} style={{ height: `${window.behind}px` }} />
            </tr>
          )}
        </tbody>
      </table>
      <p class="off-screen">Changes are against {ruler}.</p>
    </div>
  );
}

function Head({ each, state, ruler }: { each: Shown; state: State; ruler: boolean }) {
  return (
    <div class="side-head">
      {each.position >= 0 ? (
        <input
          type="text"
          class="pin-name"
          aria-label={`Name of pinned mixture ${each.position + 1}`}
          data-typed="true"
          value={each.name}
          onChange={(event) => rename(each.position, event.currentTarget.value)}
        />
      ) : (
        <b>{each.name}</b>
      )}
      <div class="row">
        {each.position !== -2 && (
          <button type="button" class="button quiet" aria-pressed={ruler} onClick={() => compareWith(each.position)}>
            {ruler ? 'baseline' : 'set as baseline'}
          </button>
        )}
        {each.position !== -2 && each.settings !== state.settings && (
          <button type="button" class="button quiet" onClick={() => edit(each.settings, `The settings of ${each.name}`)}>
            use
          </button>
        )}
        {each.position >= 0 && (
          <button type="button" class="button quiet icon-only" onClick={() => unpin(each.position)}>
            <Icon name="close" />
            <span class="off-screen">Remove {each.name}</span>
          </button>
        )}
      </div>
    </div>
  );
}

function Loss(props: { value: number; base: number; own: boolean }) {
  const relative = props.value / props.base - 1;
  const word = verdict(relative);
  return (
    <span class="side-loss">
      <span>{loss(props.value)}</span>
      {props.own ? <span class="muted">baseline</span> : <span class={word}>{`${signed(relative)}${word === 'worse' ? ' worse' : ''}`}</span>}
    </span>
  );
}

function Weight(props: { value: number; most: number }) {
  return (
    <span class="side-weight">
      <span class="number">{percent(props.value)}</span>
      <span class="still" aria-hidden="true">
        <i class="fill" style={{ width: along(props.value / props.most) }} />
      </span>
    </span>
  );
}
