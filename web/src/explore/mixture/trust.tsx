/** How far the prediction of the mixture on screen can be trusted, in short; the view Prediction has all of it. */
import { Tip } from '../../view/tip';
import { show } from '../state/actions';
import type { State } from '../state/store';
import { Distance, Rivals } from '../prediction/parts';

export function Trust({ state }: { state: State }) {
  const fresh = state.prediction?.of === state.solved.weights;
  const shown = state.prediction?.is ?? null;
  return (
    <section class="panel" aria-label="Trust in the prediction">
      <header>
        <h2>
          <Tip text="What speaks for and against the predicted loss: the interval over refits to resampled runs, what other laws of the same runs say, and how near the nearest run is.">
            Trust
          </Tip>
        </h2>
        {!fresh && shown && <span class="muted">{state.dragging ? 'before this change' : 'asking again …'}</span>}
        <span class="gap" />
        <button type="button" class="button quiet" onClick={() => show('prediction')}>
          Details
        </button>
      </header>
      <div class="pad stack">
        {shown ? (
          <div class={fresh ? 'stack' : 'stack stale'}>
            {!shown.nearest && <p>{shown.sentence}</p>}
            <Distance nearest={shown.nearest} far={shown.extrapolates} />
            <Rivals prediction={shown} gain={fresh ? state.solved.gain : null} />
          </div>
        ) : (
          <p class="muted">Asking the rival laws …</p>
        )}
        <p class="muted solved-note">
          {state.solved.milliseconds > 0 && `Solved in ${state.solved.milliseconds.toFixed(1)} ms, ${state.solved.status.replace(/_/g, ' ')}`}
          {state.solved.gap !== null && state.solved.milliseconds > 0 && `, within ${state.solved.gap.toExponential(0)} of the optimum`}
          {Number.isFinite(state.solved.kl) && ` · ${state.solved.kl.toFixed(3)} nats from the prior`}
        </p>
      </div>
    </section>
  );
}
