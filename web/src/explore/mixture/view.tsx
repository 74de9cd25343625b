/** The main view: what is asked for on the left, who pays for it on the right. */
import type { State } from '../state/store';
import { Controls } from './controls';
import { Domains } from './domains';
import { Groups } from './groups';
import { Held } from './held';
import { Payers } from './payers';
import { Trust } from './trust';

export function MixtureView({ state }: { state: State }) {
  // Beside a short list of domains there is room; below a long one nobody would look.
  const few = state.model.mixture.domains.length <= 16;
  return (
    <div class="mixture">
      <div class="asked">
        <Controls settings={state.settings} model={state.model} />
        <Domains state={state} />
        <Groups state={state} />
        {few && <Held state={state} />}
      </div>
      <div class="pays">
        <Payers state={state} />
        {!few && <Held state={state} />}
        <Trust state={state} />
      </div>
    </div>
  );
}
