/** The end of a domain's bounds, dragged by pointer or touch. The field beside the bar does the same by keys. */
import { shift } from '../../view/bar';
import { drag, endDrag, startDrag } from '../state/actions';
import { bound, withBound } from '../state/settings';
import { current } from '../state/store';

export interface GripProps {
  name: string;
  side: 'low' | 'high';
  low: number;
  high: number;
  /** The greatest weight that another limit leaves. */
  most: number;
  /** The right end of the bar. */
  scale: number;
}

/** Where a grip is left within this share of an end, there is no bound. */
const NONE = 0.012;

export function Grip({ name, side, low, high, most, scale }: GripProps) {
  const at = side === 'low' ? low : Math.min(high, scale);
  const move = (event: PointerEvent) => {
    const grip = event.currentTarget as HTMLElement;
    const track = grip.closest('.bar');
    if (!track || !grip.hasPointerCapture(event.pointerId)) return;
    const box = track.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    const value = Number((share * scale).toFixed(3));
    const { settings } = current();
    const [least, greatest] = bound(settings, name);
    if (side === 'low') {
      const next = share < NONE ? 0 : Math.min(value, greatest, most);
      drag(withBound(settings, name, next, greatest), `${name} at least ${Number((100 * next).toFixed(2))} %`);
    } else {
      const next = share > 1 - NONE ? 1 : Math.max(value, least);
      drag(withBound(settings, name, least, next), `${name} at most ${Number((100 * next).toFixed(2))} %`);
    }
  };
  const down = (event: PointerEvent) => {
    if (event.button !== 0) return;
    // The bar under it would fix the weight.
    event.stopPropagation();
    event.preventDefault();
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    startDrag();
  };
  const given = side === 'low' ? low > 0 : high < 1;
  return (
    <i class="grips" style={shift(at / scale)} aria-hidden="true">
      <b
        class={`grip ${side}${given ? ' given' : ''}`}
        data-grip={side}
        title={side === 'low' ? `Drag: the least share of ${name}` : `Drag: the greatest share of ${name}`}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={endDrag}
        onPointerCancel={endDrag}
      />
    </i>
  );
}
