/** What each constraint that binds costs, the dearest first. */
import { change as signed, percent } from '../../view/format';
import { Tip } from '../../view/tip';
import { sentence } from '../state/actions';
import type { State } from '../state/store';
import type { Price } from '../state/types';

function what(price: Price): string {
  const name = price.domain ?? price.group ?? '';
  const limit = { cap: 'token cap', max: 'maximum', min: 'minimum', held: 'not sampled' }[price.limit];
  return `${name}, ${limit}`;
}

/** What a constraint costs, from the change of the loss without it. */
function costs(change: number): string {
  if (change >= 0) return 'costs nothing';
  return change > -5e-5 ? 'costs < 0.01\u00a0%' : `costs ${percent(-change)}`;
}

/** What loosening does, in words. */
function looser(price: Price): string {
  if (!price.loosened) return '';
  const by = price.limit === 'cap' ? 'one more epoch' : `${percent(price.loosened.by, 0)} looser`;
  return `${by}: ${signed(price.loosened.change)}`;
}

export function Held({ state }: { state: State }) {
  const fresh = state.prices && state.prices.of === state.settings;
  const file = state.settings === state.model.settings ? (state.model.mixture.prices ?? []) : null;
  const list = fresh ? state.prices!.list : (file ?? state.prices?.list ?? state.model.mixture.prices ?? null);
  const stale = !fresh && !file;
  const binding = state.solved.binding.filter((each) => each.limit !== 'held');
  return (
    <section class="panel" aria-label="Prices of the constraints">
      <header>
        <h2>
          <Tip text="What each constraint that binds costs: the predicted average loss is that much higher than without it, by solving again.">Price of each constraint</Tip>
        </h2>
        {stale && <span class="muted">{state.dragging ? 'before this change' : 'solving again …'}</span>}
      </header>
      {binding.length === 0 ? (
        <p class="empty">No constraint binds: the mixture is what the laws and λ want.</p>
      ) : fresh && state.prices!.why !== null ? (
        <p class="empty">{sentence(state.prices!.why)}</p>
      ) : !list ? (
        <p class="empty">Solving without each constraint …</p>
      ) : (
        <ul class={stale ? 'prices stale' : 'prices'}>
          {[...list]
            .sort((a, b) => (a.without?.change ?? 0) - (b.without?.change ?? 0))
            .slice(0, 12)
            .map((price) => (
              <li key={what(price)}>
                <span class="price-name">{what(price)}</span>
                <span class="number">{price.without ? costs(price.without.change) : ''}</span>
                <span class="muted number">{looser(price)}</span>
              </li>
            ))}
          {list.length > 12 && <li class="muted">and {list.length - 12} more, each cheaper</li>}
        </ul>
      )}
    </section>
  );
}
