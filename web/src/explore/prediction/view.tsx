/** What any mixture is predicted to do: the one on screen, a pinned one, the prior, or one that is typed or pasted. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import { along } from '../../view/bar';
import { change as signed, loss, percent } from '../../view/format';
import { Icon } from '../../view/icons';
import { DataTable, type Column } from '../../view/table';
import { sentence } from '../state/actions';
import { ask, type Refusal } from '../state/client';
import { unfinished } from '../state/later';
import { said90 } from '../frame/headline';
import { average, familyLoss, verdict } from '../state/losses';
import { taskShares } from '../state/settings';
import type { State } from '../state/store';
import type { Prediction } from '../state/types';
import { Distance, Rivals } from './parts';
import { parseMixture } from './parse';

interface Source {
  key: string;
  name: string;
  weights: number[] | null;
}

export function PredictionView({ state }: { state: State }) {
  const { model } = state;
  const [key, choose] = useState('now');
  const [text, type] = useState('');
  const typed = useMemo(() => (key === 'typed' ? parseMixture(text, model.mixture.domains.map((domain) => domain.name)) : null), [key, text, model]);
  const sources: Source[] = [
    { key: 'now', name: 'the mixture on screen', weights: state.solved.weights },
    { key: 'opened', name: 'as opened', weights: state.opened.solved.weights },
    { key: 'prior', name: 'the prior', weights: useMemo(() => model.mixture.domains.map((domain) => domain.prior), [model]) },
    ...state.pins.map((pin, i) => ({ key: `pin${i}`, name: `pinned: ${pin.name}`, weights: pin.solved.weights })),
    { key: 'typed', name: 'one that I type or paste', weights: typed?.weights ?? null },
  ];
  const source = sources.find((each) => each.key === key) ?? sources[0]!;
  const [prediction, setPrediction] = useState<Prediction | null>(null);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  useEffect(() => {
    setRefusal(null);
    if (!source.weights) {
      setPrediction(null);
      return undefined;
    }
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = () =>
      void ask<Prediction>('api/predict', { weights: source.weights, settings: state.settings }, abort.signal).then(
        (found) => {
          setPrediction(found);
          if (unfinished(found)) timer = setTimeout(load, 1500);
        },
        (error: Refusal) => {
          if (!error.superseded) setRefusal(error);
        },
      );
    load();
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [source.weights, state.settings]);
  const shares = taskShares(model, state.settings);
  const gain = prediction ? 1 - average(shares, prediction.losses) / average(shares, state.solved.natural) : null;
  return (
    <div class="prediction">
      <section class="panel" aria-label="The mixture that is predicted">
        <header>
          <h2>Mixture</h2>
          <select aria-label="Which mixture" value={source.key} onChange={(event) => choose(event.currentTarget.value)}>
            {sources.map((each) => (
              <option key={each.key} value={each.key}>
                {each.name}
              </option>
            ))}
          </select>
        </header>
        {key === 'typed' && (
          <div class="pad stack">
            <label class="field">
              A domain and its share on each line; CSV or JSON as well
              <textarea
                rows={8}
                data-typed="true"
                spellcheck={false}
                value={text}
                placeholder={model.mixture.domains.slice(0, 3).map((domain) => `${domain.name} ${(100 * domain.prior).toFixed(1)} %`).join('\n')}
                onInput={(event) => type(event.currentTarget.value)}
              />
            </label>
            {typed?.problem && <p class="refusal" role="alert">{typed.problem}</p>}
            {typed?.note && <p class="muted">{typed.note}</p>}
          </div>
        )}
        {source.weights && <Weights names={model.mixture.domains.map((domain) => domain.name)} weights={source.weights} priors={model.mixture.domains.map((domain) => domain.prior)} far={prediction?.extrapolates ?? false} />}
      </section>
      <div class="stack">
        <section class={prediction?.extrapolates ? 'panel predicted far' : 'panel predicted'} aria-label="Prediction" aria-live="polite">
          <header>
            <h2>Prediction</h2>
          </header>
          <div class="pad stack">
            {refusal && <p class="refusal" role="alert">{sentence(refusal.message)} {refusal.help && sentence(refusal.help)}</p>}
            {!refusal && !prediction && <p class="muted">{source.weights ? 'Predicting …' : 'Type a mixture to see what it is predicted to do.'}</p>}
            {prediction && !refusal && (
              <>
                <div class="figures">
                  <div class="figure">
                    <span class="label">Average loss</span>
                    <output class="big">{loss(prediction.average)}</output>
                    <span class="under">{' '}</span>
                  </div>
                  <div class="figure">
                    <span class="label">Against the prior</span>
                    <output class={`big ${verdict(-(gain ?? 0))}`}>{signed(gain === null ? null : -gain)}</output>
                    <span class="under">{prediction.interval ? said90(prediction.interval) : 'no interval: the runs are not at hand'}</span>
                  </div>
                </div>
                {prediction.extrapolates && (
                  <p class="far-word">
                    <Icon name="warn" />
                    Extrapolated: no run was near this mixture. Predictions are uncertain here.
                  </p>
                )}
                {!prediction.nearest && <p>{prediction.sentence}</p>}
                <Distance nearest={prediction.nearest} far={prediction.extrapolates} />
                <Rivals prediction={prediction} gain={gain} />
              </>
            )}
          </div>
        </section>
        {prediction && <Losses state={state} prediction={prediction} shares={shares} />}
      </div>
    </div>
  );
}

function Weights(props: { names: string[]; weights: number[]; priors: number[]; far: boolean }) {
  const order = useMemo(() => props.names.map((_, j) => j).sort((a, b) => props.weights[b]! - props.weights[a]! || a - b), [props.weights]);
  const most = Math.max(0.01, ...props.weights, ...props.priors);
  const shown = order.slice(0, 200);
  return (
    <ul class={props.far ? 'bars far' : 'bars'}>
      {shown.map((j) => (
        <li key={props.names[j]}>
          <span class="bar-name" title={props.names[j]}>{props.names[j]}</span>
          <span class="still" aria-hidden="true">
            <i class="fill" style={{ width: along(props.weights[j]! / most) }} />
            <i class="prior" style={{ left: along(props.priors[j]! / most) }} />
          </span>
          <span class="number">{percent(props.weights[j])}</span>
        </li>
      ))}
      {order.length > shown.length && <li class="muted">and {order.length - shown.length} domains with less</li>}
    </ul>
  );
}

interface Row {
  name: string;
  kind: 'family' | 'task';
  loss: number;
  prior: number;
  change: number;
}

const COLUMNS: Column<Row>[] = [
  { key: 'name', name: 'Name', value: (row) => row.name },
  { key: 'kind', name: 'Kind', wide: true, value: (row) => row.kind, cell: (row) => <span class="muted">{row.kind}</span> },
  { key: 'loss', name: 'Predicted loss', numeric: true, value: (row) => row.loss, cell: (row) => loss(row.loss) },
  { key: 'prior', name: 'At the prior', numeric: true, wide: true, value: (row) => row.prior, cell: (row) => loss(row.prior) },
  {
    key: 'change',
    name: 'Change',
    numeric: true,
    value: (row) => row.change,
    cell: (row) => (
      <span class={verdict(row.change)}>
        {signed(row.change)}
        {verdict(row.change) === 'worse' && ' worse'}
      </span>
    ),
  },
];

function Losses(props: { state: State; prediction: Prediction; shares: number[] }) {
  const { state, prediction, shares } = props;
  const rows = useMemo(() => {
    const natural = state.solved.natural;
    const families: Row[] = state.families.map((family) => {
      const [now, before] = [familyLoss(family, shares, prediction.losses), familyLoss(family, shares, natural)];
      return { name: family.name, kind: 'family', loss: now, prior: before, change: now / before - 1 };
    });
    const tasks: Row[] = state.model.mixture.law.tasks.map((task, i) => {
      const [now, before] = [prediction.losses[i]!, natural[i]!];
      return { name: task.name, kind: 'task', loss: now, prior: before, change: now / before - 1 };
    });
    return state.families.length > 1 && state.families.length < tasks.length ? [...families, ...tasks] : tasks;
  }, [prediction, state.settings, state.model]);
  return (
    <section class="panel" aria-label="Predicted losses">
      <header>
        <h2>Losses</h2>
      </header>
      <DataTable label="Predicted losses" columns={COLUMNS} rows={rows} id={(row) => `${row.kind} ${row.name}`} search={(row) => `${row.name} ${row.kind}`} sort={{ key: 'change', down: true }} />
    </section>
  );
}
