/** A change of a loss: a sign, a mark and a word, so that colour is never alone. */
import { verdict } from '../model/families';
import { change } from '../model/format';

const MARKS = { better: '▼', worse: '▲', same: '' } as const;

export function Change({ of }: { of: number }) {
  const means = verdict(of);
  return (
    <span class={means}>
      <span aria-hidden="true">{MARKS[means]} </span>
      {change(of)}
      {means === 'same' ? '' : <span class="offscreen"> {means}</span>}
    </span>
  );
}
