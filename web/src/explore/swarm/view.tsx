/** The swarm: runs as they come in, their losses by a domain's share, residuals, coverage, and the next runs. */
import { useMemo, useState } from 'preact/hooks';
import { along } from '../../view/bar';
import { loss, percent, tokens } from '../../view/format';
import { DataTable, type Column } from '../../view/table';
import { sentence } from '../state/actions';
import { withRuns } from '../state/bare';
import type { State } from '../state/store';
import type { NextRuns, Run } from '../state/types';
import { Coverage } from './coverage';
import { counts, share, targets, type Target } from './data';
import { useSwarm } from './feed';
import { Next } from './next';
import { Scatter, type Dot } from './scatter';

function note(run: Run): string {
  const parts = [];
  if (run.outlier) parts.push('outlier');
  if (run.replicate_of) parts.push(`replicate of ${run.replicate_of}`);
  if (!run.losses) parts.push(run.cause ?? run.state.replace(/_/g, ' '));
  return parts.join(', ');
}

export function SwarmView(props: { state: State }) {
  const { swarm, refusal, live } = useSwarm();
  const bare = props.state.model.bare === true;
  // Without a mixture, tasks become known as runs end.
  const state = useMemo(() => (bare && swarm ? withRuns(props.state, swarm) : props.state), [props.state, swarm]);
  const { domains } = state.model.mixture;
  const [domain, setDomain] = useState(() => largest(state));
  const [key, setKey] = useState('average');
  const [residual, setResidual] = useState(false);
  const [chosen, choose] = useState<string | null>(null);
  const [next, setNext] = useState<NextRuns | null>(null);
  const all = useMemo(() => targets(state), [state.model, state.settings]);
  const target = all.find((each) => each.key === key) ?? all[0]!;
  const runs = swarm?.runs ?? [];
  const dots = useMemo(
    () =>
      runs.map((run): Dot => {
        const values = residual ? run.residuals : run.losses;
        const y = values ? target.of(values) : null;
        const kind = y === null ? 'pending' : run.outlier ? 'outlier' : run.replicate_of ? 'replicate' : 'run';
        return { id: run.id, x: share(run.weights, domain), y, kind, note: note(run) };
      }),
    [swarm, domain, target, residual],
  );
  const here = useMemo(() => (bare ? null : { x: state.solved.weights[domain]!, y: residual ? null : target.of(state.solved.losses) }), [bare, state.solved, domain, target, residual]);
  const proposed = useMemo(() => (next?.runs ?? []).map((run) => share(run.weights, domain)), [next, domain]);
  if (!swarm) {
    return (
      <section class="panel" aria-label="Runs">
        <p class="empty" role={refusal ? 'alert' : undefined}>
          {refusal ? `${sentence(refusal.message)} ${refusal.help ? sentence(refusal.help) : ''}` : 'Reading the runs …'}
        </p>
      </section>
    );
  }
  return (
    <div class="swarm">
      <section class="panel" aria-label="Runs">
        <header>
          <h2>Runs</h2>
          <span class="muted">{counts(runs)}</span>
          <span class="gap" />
          <span class={live ? 'live on' : 'live'}>{live ? (swarm.source === 'ledger' ? 'live from the ledger' : 'follows the tables') : 'not connected'}</span>
        </header>
        <div class="pad row choices">
          <label>
            <span class="muted" aria-hidden="true">Domain</span>{' '}
            <select aria-label="Domain" value={String(domain)} onChange={(event) => setDomain(Number(event.currentTarget.value))}>
              {domains.map((each, j) => (
                <option key={each.name} value={String(j)}>
                  {each.name}
                </option>
              ))}
            </select>
          </label>
          <label>
            <span class="muted" aria-hidden="true">Loss of</span>{' '}
            <select aria-label="Loss of" value={target.key} onChange={(event) => setKey(event.currentTarget.value)}>
              {all.map((each) => (
                <option key={each.key} value={each.key}>
                  {each.name}
                </option>
              ))}
            </select>
          </label>
          <div class="segments" role="group" aria-label="What is drawn upwards">
            <button type="button" aria-pressed={!residual} onClick={() => setResidual(false)}>
              Measured loss
            </button>
            <button type="button" aria-pressed={residual} disabled={bare} title={bare ? 'Residuals need a fit' : undefined} onClick={() => setResidual(true)}>
              Residual
            </button>
          </div>
        </div>
        {runs.length === 0 || domains.length === 0 ? (
          <p class="empty">No run yet. They appear here as they come in.</p>
        ) : (
          <>
            <Scatter
              dots={dots}
              xName={domains[domain]!.name}
              yName={`${residual ? 'residual' : 'loss'} of ${target.name}`}
              yText={loss}
              here={here}
              prior={bare ? null : domains[domain]!.prior}
              next={proposed}
              rule={residual ? 0 : null}
              chosen={chosen}
              choose={choose}
            />
            <Key residual={residual} bare={bare} next={proposed.length > 0} />
          </>
        )}
        <Running runs={runs} />
      </section>
      <div class="stack side">
        {!bare && <Next state={state} found={next} take={setNext} />}
        <Coverage state={state} runs={runs} />
      </div>
      {domains.length > 0 && <RunTable runs={runs} domain={domains[domain]!.name} position={domain} target={target} chosen={chosen} choose={choose} />}
    </div>
  );
}

function largest(state: State): number {
  let best = 0;
  state.solved.weights.forEach((weight, j) => {
    if (weight > state.solved.weights[best]!) best = j;
  });
  return best;
}

function Key(props: { residual: boolean; bare: boolean; next: boolean }) {
  return (
    <p class="key-line muted" aria-hidden="true">
      <span><i class="k-run" /> run</span>
      <span><i class="k-replicate" /> replicate</span>
      <span><i class="k-outlier">×</i> outlier</span>
      <span><i class="k-pending" /> no loss yet</span>
      {!props.residual && !props.bare && <span><i class="k-here" /> mixture on screen, predicted</span>}
      {!props.bare && <span><i class="k-prior" /> prior</span>}
      {props.next && <span><i class="k-next" /> proposed</span>}
      {props.residual && <span>residual: measured − predicted</span>}
    </p>
  );
}

function Running({ runs }: { runs: Run[] }) {
  const under = runs.filter((run) => run.progress && !run.losses).slice(0, 8);
  if (under.length === 0) return null;
  return (
    <ul class="running" aria-label="Runs under way">
      {under.map((run) => {
        const { tokens: known, target } = run.progress!;
        const seen = known ?? 0;
        return (
          <li key={run.id}>
            <span class="bar-name">{run.id}</span>
            <span class="still" role="img" aria-label={target ? percent(seen / target, 0) : 'under way'}>
              <i class="fill" style={{ width: along(target ? seen / target : 0) }} />
            </span>
            <span class="number">{target ? `${tokens(seen)} of ${tokens(target)}` : tokens(seen)}</span>
          </li>
        );
      })}
    </ul>
  );
}

function RunTable(props: { runs: Run[]; domain: string; position: number; target: Target; chosen: string | null; choose: (id: string | null) => void }) {
  const { position, target } = props;
  const columns = useMemo(
    (): Column<Run>[] => [
      { key: 'run', name: 'Run', value: (run) => run.id, cell: (run) => (run.outlier ? <span class="worse">{run.id} ×</span> : run.id) },
      { key: 'state', name: 'State', wide: true, value: (run) => run.state.replace(/_/g, ' ') },
      { key: 'share', name: `Share of ${props.domain.slice(0, 24)}`, numeric: true, value: (run) => share(run.weights, position), cell: (run) => percent(share(run.weights, position)) },
      { key: 'loss', name: `Loss of ${target.name.slice(0, 24)}`, numeric: true, value: (run) => (run.losses ? target.of(run.losses) : null), cell: (run) => loss(run.losses ? target.of(run.losses) : null) },
      {
        key: 'residual',
        name: 'Residual',
        tip: 'Measured minus predicted loss. Above 0: worse than the law says.',
        numeric: true,
        value: (run) => (run.residuals ? target.of(run.residuals) : null),
        cell: (run) => {
          const value = run.residuals ? target.of(run.residuals) : null;
          return loss(value);
        },
      },
      { key: 'note', name: 'Remark', wide: true, value: (run) => note(run), cell: (run) => <span class={run.outlier ? 'worse' : 'muted'}>{note(run)}</span> },
    ],
    [props.domain, position, target],
  );
  return (
    <section class="panel runs" aria-label="All runs">
      <header>
        <h2>All runs</h2>
      </header>
      <DataTable label="Table of all runs" columns={columns} rows={props.runs} id={(run) => run.id} search={(run) => `${run.id} ${run.state} ${note(run)}`} chosen={props.chosen} onRow={(run) => props.choose(run.id)} />
    </section>
  );
}
