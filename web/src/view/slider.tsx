/** A slider over given values, with its name, its value in words, and one step by an arrow key. */

export interface SliderProps {
  id: string;
  label: string;
  /** The values, in order. */
  values: number[];
  value: number;
  /** The value in words. */
  say: (value: number) => string;
  change: (value: number) => void;
  disabled?: boolean;
}

/** The position of the value that is nearest. */
export function positionOf(values: number[], value: number): number {
  let best = 0;
  values.forEach((one, i) => {
    if (Math.abs(one - value) < Math.abs(values[best]! - value)) best = i;
  });
  return best;
}

export function Slider({ id, label, values, value, say, change, disabled = false }: SliderProps) {
  return (
    <div class="slider">
      <label for={id}>{label}</label>
      <output for={id}>{say(value)}</output>
      <input
        id={id}
        type="range"
        min={0}
        max={Math.max(values.length - 1, 0)}
        step={1}
        value={positionOf(values, value)}
        disabled={disabled}
        aria-valuetext={say(value)}
        onInput={(event) => change(values[event.currentTarget.valueAsNumber]!)}
      />
    </div>
  );
}
