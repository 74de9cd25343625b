/** The next runs worth training: mixtures that would narrow the prediction most. */
import { useState } from 'preact/hooks';
import { CopyButton } from '../../view/copy';
import { csv } from '../../view/csv';
import { percent } from '../../view/format';
import { Tip } from '../../view/tip';
import { sentence } from '../state/actions';
import { ask, type Refusal } from '../state/client';
import type { State } from '../state/store';
import type { NextRuns } from '../state/types';
import { dense } from './data';

export function Next(props: { state: State; found: NextRuns | null; take: (found: NextRuns | null) => void }) {
  const { domains } = props.state.model.mixture;
  const [count, setCount] = useState('5');
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const runs = Number(count);
  const fits = Number.isInteger(runs) && runs >= 1 && runs <= 100;
  const propose = async (event: Event) => {
    event.preventDefault();
    if (!fits || busy) return;
    setBusy(true);
    setRefusal(null);
    try {
      props.take(await ask<NextRuns>('api/next', { runs }));
    } catch (error) {
      setRefusal(error as Refusal);
    }
    setBusy(false);
  };
  const table = () => csv(['run', ...domains.map((domain) => domain.name)], (props.found?.runs ?? []).map((run, i) => [`next-${i + 1}`, ...dense(run.weights, domains.length)]));
  return (
    <section class="panel next" aria-label="The next runs worth training">
      <header>
        <h2>
          <Tip text="Mixtures whose measurement would lower the variance of the predictions near the optimum most (a V-optimal design, given the runs there are).">
            Next runs worth training
          </Tip>
        </h2>
      </header>
      <form class="pad row" onSubmit={(event) => void propose(event)}>
        <label>
          How many{' '}
          <input
            type="text"
            inputMode="numeric"
            class="count-field"
            data-typed="true"
            value={count}
            aria-invalid={fits ? undefined : 'true'}
            onInput={(event) => setCount(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="button" disabled={!fits || busy}>
          {busy ? 'Searching …' : 'Propose'}
        </button>
        {!fits && <span class="worse">a number from 1 to 100</span>}
        <span class="gap" />
        {props.found && <CopyButton quiet label="ratios.csv" text={table} />}
      </form>
      {refusal && (
        <p class="pad refusal" role="alert">
          {sentence(refusal.message)} {refusal.help && sentence(refusal.help)}
        </p>
      )}
      {props.found && (
        <div class="pad stack">
          <p role="status">{props.found.sentence}</p>
          <ol class="proposals">
            {props.found.runs.map((run, i) => {
              const weights = dense(run.weights, domains.length);
              const top = weights.map((_, j) => j).sort((a, b) => weights[b]! - weights[a]!).slice(0, 4);
              return (
                <li key={i}>
                  <span>{top.map((j) => `${domains[j]!.name} ${percent(weights[j], 1)}`).join(', ')}</span>
                  {run.why && <span class="muted">{run.why}</span>}
                </li>
              );
            })}
          </ol>
        </div>
      )}
    </section>
  );
}
