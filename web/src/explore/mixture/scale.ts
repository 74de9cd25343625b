/** The right end of the bars: room to drag, and it stays while something is dragged. */
import { useRef } from 'preact/hooks';
import type { State } from '../state/store';

const STEPS = [0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1];

export function useScale(state: State): number {
  const kept = useRef(0);
  if (!state.dragging || kept.current === 0) {
    let most = 0;
    for (const weight of state.solved.weights) most = Math.max(most, weight);
    for (const weight of state.opened.solved.weights) most = Math.max(most, weight);
    for (const domain of state.model.mixture.domains) most = Math.max(most, domain.prior / 1.2);
    for (const [low] of Object.values(state.settings.bounds)) most = Math.max(most, low);
    const wanted = STEPS.find((step) => step >= 1.25 * most) ?? 1;
    // It shrinks only where much would be empty.
    if (wanted > kept.current || wanted < kept.current / 2.5) kept.current = wanted;
  }
  return kept.current;
}
