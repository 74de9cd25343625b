/** All domains, in an order that stays while weights move; long lists draw only the rows in sight. */
import type { VNode } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { CopyButton } from '../../view/copy';
import { csv } from '../../view/csv';
import { Icon } from '../../view/icons';
import { Tip } from '../../view/tip';
import { useWindow, WHOLE } from '../../view/virtual';
import { far } from '../frame/headline';
import { bound, own } from '../state/settings';
import { baselineOf, current, type State } from '../state/store';
import type { Limit } from '../state/types';
import { DomainRow } from './domain_row';
import { rowHeight, useNarrow } from './narrow';
import { useScale } from './scale';

const ORDERS = {
  file: 'as in the file',
  weight: 'largest weight',
  up: 'most above the prior',
  down: 'most below the prior',
  held: 'held by a constraint',
  name: 'name',
} as const;
type Order = keyof typeof ORDERS;

/** The positions of the domains in an order, from the weights of this moment. */
function ordered(order: Order): number[] {
  const { model, solved } = current();
  const { domains } = model.mixture;
  const all = domains.map((_, j) => j);
  const held = new Set(solved.binding.map((each) => each.domain));
  const by: Record<Order, (j: number) => number> = {
    file: (j) => j,
    weight: (j) => -solved.weights[j]!,
    up: (j) => -solved.weights[j]! / domains[j]!.prior,
    down: (j) => solved.weights[j]! / domains[j]!.prior,
    held: (j) => (held.has(domains[j]!.name) ? 0 : 1) - solved.weights[j]!,
    name: () => 0,
  };
  if (order === 'name') return all.sort((a, b) => domains[a]!.name.localeCompare(domains[b]!.name, 'en', { numeric: true }));
  return all.sort((a, b) => by[order](a) - by[order](b) || a - b);
}

/** A number to the digits that are shown: during a drag, a row whose digits stay is not drawn again. */
function seenAs(value: number, digits: number): number {
  return Math.round(value * digits) / digits;
}

/** The rows of a list that is drawn whole that are within the window. */
function inSight(list: HTMLElement | null, height: number): { from: number; to: number } {
  if (!list) return { from: 0, to: WHOLE };
  const { top } = list.getBoundingClientRect();
  return { from: Math.floor(-top / height) - 2, to: Math.ceil((innerHeight - top) / height) };
}

export function Domains({ state }: { state: State }) {
  const { domains } = state.model.mixture;
  const [order, setOrder] = useState<{ by: Order; at: number }>({ by: domains.length > 12 ? 'weight' : 'file', at: 0 });
  const [filter, setFilter] = useState('');
  const rows = useMemo(() => {
    const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
    return ordered(order.by).filter((j) => words.every((word) => domains[j]!.name.toLowerCase().includes(word)));
  }, [order, filter, domains]);
  const scroller = useRef<HTMLDivElement>(null);
  const narrow = useNarrow();
  const window = useWindow(scroller, rows.length, rowHeight(narrow));
  // While something is dragged, rows out of sight stay as they are: they follow when it ends.
  const drawn = useRef(new Map<number, VNode>());
  const sight = useRef<{ from: number; to: number } | null>(null);
  useEffect(() => {
    const moved = () => {
      sight.current = null;
    };
    addEventListener('scroll', moved, { passive: true, capture: true });
    return () => removeEventListener('scroll', moved, { capture: true });
  }, []);
  const seen = state.dragging && rows.length <= WHOLE ? (sight.current ??= inSight(scroller.current, rowHeight(narrow))) : { from: 0, to: rows.length };
  if (!state.dragging) sight.current = null;
  const { solved, settings } = state;
  const scale = useScale(state);
  const baseline = baselineOf(state).solved.weights;
  const limits = useMemo(() => {
    const map = new Map<string, Limit>();
    for (const each of solved.binding) if (each.domain !== undefined) map.set(each.domain, each.limit);
    return map;
  }, [solved]);
  const dead = useMemo(() => new Set(state.model.mixture.dead_domains), [state.model]);
  const table = () => csv(['domain', 'weight', 'prior', 'epochs'], rows.map((j) => [domains[j]!.name, solved.weights[j]!, domains[j]!.prior, solved.epochs[j] ?? null]));
  const hatched = far(state) ? 'far' : '';
  return (
    <section class={`panel domains ${hatched}`} aria-label="Domains">
      <header>
        <h2>Domains</h2>
        <label class="search">
          <Icon name="search" />
          <span class="off-screen">Filter domains</span>
          <input type="search" placeholder={`Filter ${domains.length}`} value={filter} onInput={(event) => setFilter(event.currentTarget.value)} />
        </label>
        <label class="order">
          <span class="off-screen">Order of the domains</span>
          <select value={order.by} onChange={(event) => setOrder({ by: event.currentTarget.value as Order, at: order.at + 1 })}>
            {Object.entries(ORDERS).map(([key, name]) => (
              <option key={key} value={key}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <span class="gap" />
        <CopyButton quiet label="CSV" text={table} />
      </header>
      <div class={rows.length > WHOLE ? 'domain-scroller tall' : 'domain-scroller'} ref={scroller} tabIndex={rows.length > WHOLE ? 0 : undefined} role="table" aria-label="Domains" aria-rowcount={rows.length + 1}>
        <div class="domain head" role="row" aria-rowindex={1}>
          <div role="columnheader" class="d-name">Domain</div>
          <div role="columnheader" class="d-bar">Share of the mixture, 0 to {`${Number((100 * scale).toFixed(1))} %`}</div>
          <div role="columnheader" class="d-weight number">Weight</div>
          <div role="columnheader" class="d-bounds">
            <Tip text="The least and the greatest share that the domain may have. Type 10 and Enter; empty removes the bound.">At least, at most</Tip>
          </div>
          <div role="columnheader" class="d-epochs number">
            <Tip text="How often the final run sees each token of the domain.">Epochs</Tip>
          </div>
          <div role="columnheader" class="d-limit">
            <Tip text="The constraint that the domain’s weight meets with equality. Without it the weight would move.">Held by</Tip>
          </div>
          <div role="columnheader" class="d-lock">
            <span class="off-screen">Fix</span>
          </div>
        </div>
        <div style={{ height: `${window.before}px` }} role="presentation" />
        {rows.slice(window.from, window.to).map((j, i) => {
          const domain = domains[j]!;
          const before = drawn.current.get(j);
          if (before && (i < seen.from || i >= seen.to)) return before;
          const [low, high] = bound(settings, domain.name);
          const row = (
            <DomainRow
              key={domain.name}
              name={domain.name}
              position={window.from + i}
              weight={state.dragging ? (own(settings.fixed, domain.name) ?? seenAs(solved.weights[j]!, 1e4)) : solved.weights[j]!}
              prior={domain.prior}
              cap={solved.caps[j] ?? null}
              low={low}
              high={high}
              fixed={Object.hasOwn(settings.fixed, domain.name)}
              dead={dead.has(domain.name)}
              epochs={state.dragging && typeof solved.epochs[j] === 'number' ? seenAs(solved.epochs[j], 100) : (solved.epochs[j] ?? null)}
              limit={limits.get(domain.name) ?? null}
              baseline={baseline[j]!}
              scale={scale}
            />
          );
          drawn.current.set(j, row);
          return row;
        })}
        <div style={{ height: `${window.behind}px` }} role="presentation" />
      </div>
      {rows.length === 0 && <p class="empty">No domain matches the filter.</p>}
      <Legend far={hatched !== ''} />
    </section>
  );
}

function Legend(props: { far: boolean }) {
  return (
    <p class="legend" aria-hidden="true">
      <i class={props.far ? 'key weight hatched' : 'key weight'} /> {props.far ? 'weight, far from every run' : 'weight'}
      <i class="key prior" /> prior
      <i class="key baseline" /> baseline
      <i class="key beyond" /> beyond the token cap
      <i class="key range" /> your bounds
    </p>
  );
}
