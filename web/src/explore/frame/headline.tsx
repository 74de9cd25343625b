/** What the mixture is worth, in large numbers, and what the last change costs, in a sentence. */
import { change as signed, loss, percent } from '../../view/format';
import { Icon } from '../../view/icons';
import { Tip } from '../../view/tip';
import { compareWith } from '../state/actions';
import { average, verdict } from '../state/losses';
import { cost } from '../state/sentence';
import { taskShares } from '../state/settings';
import { baselineOf, type State } from '../state/store';
import type { Interval } from '../state/types';

/** Whether the mixture is further from every run than runs are from each other. */
export function far(state: State): boolean {
  const nearest = state.solved.nearest;
  const prediction = state.prediction?.of === state.solved.weights ? state.prediction.is : null;
  if (prediction) return prediction.extrapolates;
  return typeof nearest?.typical === 'number' && nearest.distance > 1.5 * nearest.typical;
}

export function Headline({ state }: { state: State }) {
  const shares = taskShares(state.model, state.solvedFor);
  const now = average(shares, state.solved.losses);
  const baseline = baselineOf(state);
  const againstPrior = now / average(shares, state.solved.natural) - 1;
  const againstBaseline = now / average(shares, baseline.solved.losses) - 1;
  const said = cost(state);
  const interval = state.prediction?.of === state.solved.weights ? state.prediction.is.interval : null;
  return (
    <section class="headline" aria-label="Predicted loss">
      <div class="figures">
        <div class="figure">
          <span class="label">
            <Tip text="The mean of the tasks’ predicted losses by their weights, at the mixture on screen. Lower is better.">Average loss</Tip>
          </span>
          <output class="big" data-testid="average">{loss(now)}</output>
          <span class="under">{said90(interval)}</span>
        </div>
        <Figure label="Against the prior" tip="How much the predicted average loss changes from the prior, the mixture that the KL term pulls towards." change={againstPrior} testid="against-prior" />
        <div class="figure">
          <label class="label">
            Against{' '}
            <select
              class="bare"
              aria-label="Baseline that losses are compared with"
              value={String(state.baseline)}
              onChange={(event) => compareWith(Number(event.currentTarget.value))}
            >
              <option value="-1">as opened</option>
              {state.pins.map((pin, i) => (
                <option key={i} value={String(i)}>
                  {pin.name}
                </option>
              ))}
            </select>
          </label>
          <Change change={againstBaseline} testid="against-baseline" />
        </div>
      </div>
      <p class="cost" role="status" aria-live={state.dragging ? 'off' : 'polite'} data-testid="cost">
        {said ? (
          <>
            <strong>{said.head}</strong>
            {said.rest && `; ${said.rest}`}
          </>
        ) : (
          <span class="muted">Drag a weight, or type a bound: the exact solution follows, and this line says what it costs and who pays.</span>
        )}
      </p>
      {far(state) && (
        <p class="far-word">
          <Icon name="warn" />
          Extrapolated: no run was near this mixture, so its bars are hatched. Predictions are uncertain here.
        </p>
      )}
    </section>
  );
}

/** The interval of the gain, in words. */
export function said90(interval: Interval | null | undefined): string {
  if (!interval) return '\u00a0';
  if (interval.low === undefined || interval.high === undefined) return 'interval: resampling the runs …';
  return `${percent(interval.confidence ?? 0.9, 0)} interval of the gain ${percent(interval.low)} to ${percent(interval.high)}`;
}

function Figure(props: { label: string; tip: string; change: number; testid: string }) {
  return (
    <div class="figure">
      <span class="label">
        <Tip text={props.tip}>{props.label}</Tip>
      </span>
      <Change change={props.change} testid={props.testid} />
    </div>
  );
}

function Change(props: { change: number; testid: string }) {
  const word = verdict(props.change);
  return (
    <>
      <output class={`big ${word}`} data-testid={props.testid}>
        {signed(props.change)}
      </output>
      <span class={`under ${word}`}>{Number.isFinite(props.change) ? { worse: 'worse', better: 'better', same: 'no change' }[word] : ' '}</span>
    </>
  );
}
