/** Bounds on the summed weights of several domains. */
import { parsePercent, percent } from '../../view/format';
import { Tip } from '../../view/tip';
import { edit } from '../state/actions';
import { own, withGroup } from '../state/settings';
import type { State } from '../state/store';
import { Field } from './field';

export function Groups({ state }: { state: State }) {
  const { groups, domains } = state.model.mixture;
  if (groups.length === 0) return null;
  const positions = new Map(domains.map((domain, j) => [domain.name, j]));
  return (
    <section class="panel" aria-label="Groups">
      <header>
        <h2>
          <Tip text="Bounds on the summed weight of several domains, from the fit config.">Groups</Tip>
        </h2>
      </header>
      <div class="groups">
        {groups.map((group) => {
          const [low, high] = own(state.settings.groups, group.name) ?? [0, 1];
          const weight = group.domains.reduce((sum, name) => sum + (state.solved.weights[positions.get(name) ?? -1] ?? 0), 0);
          const held = state.solved.binding.find((each) => each.group === group.name);
          const field = (label: string, value: number, none: number, put: (value: number) => [number, number], word: string) => (
            <Field
              label={`${label} share of group ${group.name}, in percent`}
              shown={value === none ? '' : percent(value)}
              placeholder={none === 0 ? 'min' : 'max'}
              class={value === none ? '' : 'given'}
              read={(text) => (text.trim() === '' ? null : (parsePercent(text) ?? undefined))}
              rule="a share from 0 to 100, in percent"
              take={(next) => edit(withGroup(state.settings, group.name, put(next ?? none)), `${group.name} ${word} ${percent(next ?? none)}`)}
            />
          );
          return (
            <div class="group" key={group.name}>
              <span class="group-name">
                {group.name} <span class="muted">{group.domains.length} domains</span>
              </span>
              <span class="number">{percent(weight)}</span>
              {field('Least', low, 0, (next) => [next, Math.max(next, high)], 'at least')}
              {field('Greatest', high, 1, (next) => [Math.min(low, next), next], 'at most')}
              <span class="d-limit">{held ? (held.limit === 'min' ? 'minimum' : 'maximum') : ''}</span>
            </div>
          );
        })}
      </div>
    </section>
  );
}
