/** A bar whose end is dragged by pointer or touch and moved by keys: a slider. */
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';

export interface BarProps {
  /** What a screen reader calls it. */
  label: string;
  /** Position of the end, 0 to `max`. */
  value: number;
  /** The position of the right end of the track. */
  max: number;
  /** The greatest value that keys and pointer reach; `max` where absent. */
  top?: number;
  /** A step of the arrow keys; ten of them with Shift, Page Up and Page Down. */
  step: number;
  /** The value in words. */
  text: string;
  /** More marks on the track, drawn under the thumb. */
  marks?: JSX.Element | JSX.Element[] | null;
  class?: string;
  disabled?: boolean;
  onStart?: () => void;
  onMove: (value: number) => void;
  onEnd?: () => void;
}

/** Places a mark as wide as its track at a share of it: no layout, however often it moves. */
export function shift(share: number): { transform: string } {
  return { transform: `translateX(${along(share)})` };
}

/** Fills a track up to a share of it, without layout. */
export function filled(share: number): { clipPath: string } {
  return { clipPath: `inset(0 ${along(1 - share)} 0 0)` };
}

/** The share of a track from its left end, as a CSS length. */
export function along(share: number): string {
  return `${(100 * Math.min(1, Math.max(0, share))).toFixed(3)}%`;
}

export function Bar(props: BarProps) {
  const track = useRef<HTMLDivElement>(null);
  const drag = useRef<{ left: number; width: number } | null>(null);
  const top = props.top ?? props.max;
  const at = (x: number) => {
    const box = drag.current;
    if (!box || box.width === 0) return props.value;
    return Math.min(top, Math.max(0, ((x - box.left) / box.width) * props.max));
  };
  const down = (event: PointerEvent) => {
    if (props.disabled || event.button !== 0 || !track.current) return;
    const box = track.current.getBoundingClientRect();
    drag.current = { left: box.left, width: box.width };
    track.current.setPointerCapture(event.pointerId);
    track.current.focus({ preventScroll: true });
    event.preventDefault();
    props.onStart?.();
    props.onMove(at(event.clientX));
  };
  const move = (event: PointerEvent) => {
    if (drag.current) props.onMove(at(event.clientX));
  };
  const up = () => {
    if (!drag.current) return;
    drag.current = null;
    props.onEnd?.();
  };
  const key = (event: KeyboardEvent) => {
    if (props.disabled || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = props.step * (event.shiftKey ? 10 : 1);
    const steps: Record<string, number> = {
      ArrowRight: props.value + step,
      ArrowUp: props.value + step,
      ArrowLeft: props.value - step,
      ArrowDown: props.value - step,
      PageUp: props.value + 10 * props.step,
      PageDown: props.value - 10 * props.step,
      Home: 0,
      End: top,
    };
    const next = steps[event.key];
    if (next === undefined) return;
    event.preventDefault();
    props.onStart?.();
    props.onMove(Math.min(top, Math.max(0, Math.round(next / props.step) * props.step)));
    props.onEnd?.();
  };
  return (
    <div
      ref={track}
      class={`bar ${props.class ?? ''}`}
      role="slider"
      tabIndex={props.disabled ? -1 : 0}
      aria-label={props.label}
      aria-valuemin={0}
      aria-valuemax={Number(top.toPrecision(6))}
      aria-valuenow={Number(props.value.toPrecision(6))}
      aria-valuetext={props.text}
      aria-disabled={props.disabled ? 'true' : undefined}
      onPointerDown={down}
      onPointerMove={move}
      onPointerUp={up}
      onPointerCancel={up}
      onKeyDown={key}
    >
      <div class="bar-fill" style={filled(props.value / props.max)} />
      {props.marks}
      <div class="bar-thumb" style={shift(props.value / props.max)} />
    </div>
  );
}
