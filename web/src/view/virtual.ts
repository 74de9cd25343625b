/** Long lists: only the rows in sight are in the document. */
import type { RefObject } from 'preact';
import { useLayoutEffect, useState } from 'preact/hooks';

/** Lists up to this length are drawn whole, so that the browser's own search finds every row. */
export const WHOLE = 160;

/** The rows `[from, to)` of `count` to draw, and the heights left out before and behind. */
export interface Window {
  from: number;
  to: number;
  before: number;
  behind: number;
}

/** The rows of a scrolling element that are in sight, with ten on either side. Rows are `height` pixels tall. */
export function useWindow(scroller: RefObject<HTMLElement>, count: number, height: number): Window {
  const [top, setTop] = useState(0);
  const [room, setRoom] = useState(600);
  const whole = count <= WHOLE;
  useLayoutEffect(() => {
    const element = scroller.current;
    if (whole || !element) return undefined;
    const read = () => {
      setTop(element.scrollTop);
      setRoom(element.clientHeight || 600);
    };
    read();
    element.addEventListener('scroll', read, { passive: true });
    addEventListener('resize', read);
    return () => {
      element.removeEventListener('scroll', read);
      removeEventListener('resize', read);
    };
  }, [whole, scroller]);
  if (whole) return { from: 0, to: count, before: 0, behind: 0 };
  const from = Math.max(0, Math.min(count - 1, Math.floor(top / height) - 10));
  const to = Math.min(count, Math.ceil((top + room) / height) + 10);
  return { from, to, before: from * height, behind: (count - to) * height };
}
