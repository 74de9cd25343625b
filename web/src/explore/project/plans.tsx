/** What could be trained next after changes of the data: plans with their costs and risks. */
import { useEffect, useState } from 'preact/hooks';
import { loss } from '../../view/format';
import { Icon } from '../../view/icons';
import { sentence } from '../state/actions';
import { ask, type Refusal } from '../state/client';
import type { Plan } from '../state/types';

export function Plans() {
  const [plans, set] = useState<Plan[] | null>(null);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    ask<{ plans: Plan[] } | Plan[]>('api/project/plans', undefined, abort.signal).then(
      (answer) => set(Array.isArray(answer) ? answer : answer.plans),
      (error: Refusal) => !error.superseded && setRefusal(error),
    );
    return () => abort.abort();
  }, []);
  if (refusal) {
    return (
      <p class="pad muted">
        {sentence(refusal.message)} {refusal.help && sentence(refusal.help)}
      </p>
    );
  }
  if (!plans) return <p class="empty">Planning …</p>;
  if (plans.length === 0) return <p class="empty">Nothing changed since the newest mixture: there is nothing to plan.</p>;
  return (
    <ul class="plans">
      {plans.map((each) => (
        <li key={each.method ?? 'auto'} class={each.chosen ? 'chosen' : ''}>
          <h3>
            {each.method ?? 'auto'}
            {each.chosen && (
              <span class="kind now">
                <Icon name="check" /> auto takes this
              </span>
            )}
          </h3>
          {each.error ? (
            <p class="muted">
              {sentence(each.error.message)} {each.error.help && sentence(each.error.help)}
            </p>
          ) : (
            <>
              <p>
                <b>{each.runs === 0 ? 'nothing to train' : (each.cost ?? `${each.runs} runs`)}</b>
                {each.expected_loss !== null && ` · expected loss ${loss(each.expected_loss)}`}
              </p>
              {each.risk && <p>{sentence(each.risk)}</p>}
              {each.why && <p class="muted">{sentence(each.why)}</p>}
            </>
          )}
        </li>
      ))}
    </ul>
  );
}
