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
    <div class="scroller" tabIndex={0} role="group" aria-label="Plans">
      <table class="plans">
        <thead>
          <tr>
            <th scope="col">Method</th>
            <th scope="col" class="number">
              Runs
            </th>
            <th scope="col">Cost</th>
            <th scope="col" class="number">
              Expected loss
            </th>
            <th scope="col">Risk</th>
          </tr>
        </thead>
        <tbody>
          {plans.map((plan) => (
            <tr key={plan.method} class={plan.chosen ? 'chosen' : ''}>
              <th scope="row">
                {plan.method}
                {plan.chosen && (
                  <span class="kind now">
                    <Icon name="check" /> auto takes this
                  </span>
                )}
              </th>
              <td class="number" data-name="Runs">{plan.runs ?? '–'}</td>
              <td data-name="Cost">{plan.cost ?? '–'}</td>
              <td class="number" data-name="Expected loss">{loss(plan.expected_loss)}</td>
              <td class="wrap" data-name="Risk">
                {plan.risk ?? '–'}
                {plan.why && <span class="muted"> {plan.why}</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
