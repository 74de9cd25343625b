/** What could be trained next after changes of the data: plans with their costs and risks. */
import { useEffect, useState } from 'preact/hooks';
import { loss } from '../../view/format';
import { Icon } from '../../view/icons';
import { sentence } from '../state/actions';
import { ask, type Refusal } from '../state/client';
import type { Plan } from '../state/types';
import { costs } from './graph';

/** What a plan risks, and why it was made so. */
function risk(plan: NonNullable<Plan['plan']>): string {
  const parts: string[] = [];
  if (plan.risk?.bound) {
    const most = plan.risk.bound.on_loss;
    parts.push(most === null ? 'No bound on the loss that kept ratios cost.' : `Kept ratios cost at most ${loss(most)} of loss.`);
  }
  const freeing = plan.risk?.worth_freeing.map((each) => each.domain) ?? [];
  if (freeing.length > 0) parts.push(`Worth freeing: ${freeing.slice(0, 4).join(', ')}${freeing.length > 4 ? ` and ${freeing.length - 4} more` : ''}.`);
  return [...parts, ...plan.reasons.map(sentence)].join(' ') || 'Every weight is free.';
}

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
          {each.plan ? (
            <>
              <p>
                <b>{each.plan.runs > 0 ? costs(each.plan.cost) : 'nothing to train'}</b>
                {each.plan.expected_loss !== null && ` · expected loss ${loss(each.plan.expected_loss)}`}
                {each.plan.loss_in_use !== null && <span class="muted"> (in use now {loss(each.plan.loss_in_use)})</span>}
              </p>
              <p class="muted">{risk(each.plan)}</p>
            </>
          ) : (
            <p class="muted">{each.error ? `${sentence(each.error.message)} ${each.error.help ? sentence(each.error.help) : ''}` : 'It can’t be planned.'}</p>
          )}
        </li>
      ))}
    </ul>
  );
}
