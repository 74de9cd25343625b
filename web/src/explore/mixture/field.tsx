/** A number that is typed: Enter or leaving the field takes it, Escape brings the old one back. */
import { useRef, useState } from 'preact/hooks';

export interface FieldProps {
  label: string;
  /** The value as shown while nobody types. */
  shown: string;
  /** The value as the text that typing starts from. */
  text: string;
  placeholder?: string;
  /** What the text means: a number, null for none, undefined where it means nothing. */
  read: (text: string) => number | null | undefined;
  rule: string;
  take: (value: number | null) => void;
  class?: string;
  id?: string;
}

export function Field(props: FieldProps) {
  const [typed, type] = useState<string | null>(null);
  const [bad, setBad] = useState(false);
  const left = useRef(false);
  const finish = (text: string | null) => {
    if (text === null) return;
    const value = text.trim() === props.text.trim() ? undefined : props.read(text);
    if (value === undefined && text.trim() !== props.text.trim()) {
      setBad(true);
      return;
    }
    setBad(false);
    type(null);
    if (value !== undefined) props.take(value);
  };
  return (
    <input
      type="text"
      id={props.id}
      inputMode="decimal"
      autocomplete="off"
      spellcheck={false}
      class={`value ${props.class ?? ''}`}
      aria-label={props.label}
      aria-invalid={bad ? 'true' : undefined}
      title={bad ? props.rule : undefined}
      placeholder={props.placeholder}
      data-typed={typed !== null && typed !== props.text ? 'true' : undefined}
      value={typed ?? props.shown}
      onFocus={(event) => {
        left.current = false;
        setBad(false);
        type(props.text);
        const input = event.currentTarget;
        requestAnimationFrame(() => document.activeElement === input && input.select());
      }}
      onInput={(event) => {
        setBad(false);
        type(event.currentTarget.value);
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter') {
          finish(event.currentTarget.value);
          event.currentTarget.select();
        } else if (event.key === 'Escape') {
          setBad(false);
          type(null);
          left.current = true;
          event.currentTarget.blur();
        }
      }}
      onBlur={(event) => {
        // After Enter nothing is typed: what stands there is the value as shown, rounded.
        if (!left.current && typed !== null) finish(event.currentTarget.value);
        if (left.current || !bad) type(null);
        left.current = false;
      }}
    />
  );
}
