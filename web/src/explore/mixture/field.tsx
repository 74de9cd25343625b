/** A number that is typed: Enter or leaving the field takes it, Escape brings the old one back. */
import { useRef, useState } from 'preact/hooks';
import { notify } from '../state/actions';

export interface FieldProps {
  label: string;
  /** The value as text; what is typed over it is compared with it, so that a rounded number is never taken for a new one. */
  shown: string;
  placeholder?: string;
  /** What a text means: a number, null for none, undefined where it means nothing. */
  read: (text: string) => number | null | undefined;
  /** What may be written here. */
  rule: string;
  take: (value: number | null) => void;
  class?: string;
}

export function Field(props: FieldProps) {
  const [typed, type] = useState<string | null>(null);
  const [bad, setBad] = useState(false);
  const dropped = useRef(false);
  const finish = () => {
    if (typed === null) return;
    const value = typed.trim() === props.shown.trim() ? undefined : props.read(typed);
    if (value === undefined && typed.trim() !== props.shown.trim()) {
      setBad(true);
      notify({ kind: 'error', message: `${props.label}: “${typed.slice(0, 40)}” can’t be read.`, help: `Write ${props.rule}.` });
      return;
    }
    setBad(false);
    type(null);
    if (value !== undefined) props.take(value);
  };
  const drop = () => {
    if (bad) notify(null);
    setBad(false);
    type(null);
  };
  return (
    <input
      type="text"
      inputMode="decimal"
      autocomplete="off"
      spellcheck={false}
      class={`value ${props.class ?? ''}`}
      aria-label={props.label}
      aria-invalid={bad ? 'true' : undefined}
      placeholder={props.placeholder}
      data-typed={typed !== null ? 'true' : undefined}
      value={typed ?? props.shown}
      onFocus={(event) => {
        dropped.current = false;
        event.currentTarget.select();
      }}
      onMouseUp={(event) => {
        // The click that focused it must not take the selection away; a second click places the cursor.
        if (typed === null && event.currentTarget.dataset['clicked'] !== 'true') event.currentTarget.select();
        event.currentTarget.dataset['clicked'] = 'true';
      }}
      onInput={(event) => {
        setBad(false);
        type(event.currentTarget.value);
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter') {
          finish();
          const input = event.currentTarget;
          requestAnimationFrame(() => document.activeElement === input && input.select());
        } else if (event.key === 'Escape') {
          dropped.current = true;
          drop();
          event.currentTarget.blur();
        }
      }}
      onBlur={(event) => {
        delete event.currentTarget.dataset['clicked'];
        if (!dropped.current) finish();
      }}
    />
  );
}
