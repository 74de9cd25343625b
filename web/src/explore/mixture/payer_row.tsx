/** A family or a task: its weight to drag, its loss, and its changes with sign, word and colour. */
import { along, Bar, shift } from '../../view/bar';
import { change as signed, loss as shownLoss, percent } from '../../view/format';
import { Icon } from '../../view/icons';
import { drag, endDrag, startDrag } from '../state/actions';
import { verdict } from '../state/losses';
import { withTask } from '../state/settings';
import { current } from '../state/store';
import { memo } from '../../view/memo';

/** The greatest factor that a drag reaches. */
const MOST = 4;

export interface PayerProps {
  name: string;
  /** The positions of the tasks that its weight stands for, with commas. */
  tasks: string;
  family: boolean;
  inside: boolean;
  open: boolean;
  turn: (name: string) => void;
  share: number;
  factor: number;
  loss: number;
  againstPrior: number;
  againstBaseline: number;
  /** The change that fills half of a bar. */
  most: number;
}

function times(factor: number): string {
  return `${Number(factor.toFixed(2))}×`;
}

export const PayerRow = memo((props: PayerProps) => {
  const word = verdict(props.againstBaseline);
  const width = Math.min(1, Math.abs(props.againstBaseline) / props.most) / 2;
  const weigh = (value: number) => {
    const factor = Number(value.toFixed(2));
    const { model, settings } = current();
    const names = props.tasks.split(',').map((i) => model.mixture.law.tasks[Number(i)]!.name);
    drag(withTask(settings, names, Math.abs(factor - 1) < 0.04 ? 1 : factor), `${props.name} at ${times(factor)} its weight`);
  };
  return (
    <div class={props.family ? 'payer is-family' : props.inside ? 'payer inside' : 'payer'} role="row" data-payer={props.name}>
      <div class="p-name" role="rowheader" title={props.name}>
        {props.family ? (
          <button type="button" class="turn" aria-expanded={props.open} onClick={() => props.turn(props.name)}>
            <Icon name="chevron" class={props.open ? 'turned' : ''} />
            <span>{props.name}</span>
          </button>
        ) : (
          <span>{props.name}</span>
        )}
      </div>
      <div class="p-factor" role="cell">
        <Bar
          class="slim"
          label={`Weight of ${props.name} in the average`}
          value={props.factor}
          max={MOST}
          step={0.1}
          text={`${times(props.factor)} its weight in the file, ${percent(props.share, 1)} of the average`}
          marks={<i class="unit-mark" style={shift(1 / MOST)} />}
          onStart={startDrag}
          onMove={weigh}
          onEnd={endDrag}
        />
        <span class="number small">{times(props.factor)}</span>
      </div>
      <div class="p-loss number" role="cell">
        {shownLoss(props.loss)}
      </div>
      <div class={`p-prior number ${verdict(props.againstPrior)}`} role="cell">
        {signed(props.againstPrior)}
        {verdict(props.againstPrior) === 'worse' && <span class="off-screen"> worse</span>}
      </div>
      <div class={`p-base number ${word}`} role="cell">
        <span class="diverging" aria-hidden="true">
          <i class={word} style={{ clipPath: word === 'worse' ? `inset(0 ${along(0.5 - width)} 0 50%)` : `inset(0 50% 0 ${along(0.5 - width)})` }} />
        </span>
        <span class="p-word">{word === 'worse' ? 'worse' : word === 'better' ? 'better' : ''}</span>
        <span class="p-change">{signed(props.againstBaseline)}</span>
      </div>
    </div>
  );
});
