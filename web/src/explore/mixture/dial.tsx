/** A setting with a slider and a field that reads what people write. */
import { Bar } from '../../view/bar';
import { Tip } from '../../view/tip';
import { drag, endDrag, startDrag } from '../state/actions';
import type { Settings } from '../state/types';
import { Field } from './field';

export interface DialProps {
  name: string;
  symbol: string;
  tip: string;
  /** The value; null for none. */
  value: number | null;
  /** From a position on the slider, 0 to 1, to a value. */
  at: (position: number) => number | null;
  position: (value: number | null) => number;
  shown: (value: number | null) => string;
  read: (text: string) => number | null | undefined;
  rule: string;
  /** The settings with another value. */
  put: (value: number | null) => Settings;
  /** How the sentence about its cost begins. */
  says: (value: number | null) => string;
  take: (settings: Settings, label: string) => void;
}

export function Dial(props: DialProps) {
  const words = props.shown(props.value);
  return (
    <div class="dial">
      <span class="dial-name">
        <Tip text={props.tip}>{props.name}</Tip> <i class="muted">{props.symbol}</i>
      </span>
      <Field
        label={`${props.name}, ${props.symbol}`}
        shown={words}
        read={props.read}
        rule={props.rule}
        take={(value) => props.take(props.put(value), props.says(value))}
      />
      <Bar
        class="slim"
        label={props.name}
        value={props.position(props.value)}
        max={1}
        step={0.01}
        text={words}
        onStart={startDrag}
        onMove={(position) => {
          const value = props.at(position);
          drag(props.put(value), props.says(value));
        }}
        onEnd={endDrag}
      />
    </div>
  );
}
