/** Drawing on a canvas at the resolution of the screen, in the colours of the page. */
import type { RefObject } from 'preact';
import { useLayoutEffect, useState } from 'preact/hooks';

export interface Pen {
  context: CanvasRenderingContext2D;
  width: number;
  height: number;
  colour: (name: string) => string;
}

const dark = matchMedia('(prefers-color-scheme: dark)');

/** The width of an element in pixels, followed as it changes. */
export function useWidth(element: RefObject<HTMLElement>): number {
  const [width, set] = useState(0);
  useLayoutEffect(() => {
    const target = element.current;
    if (!target) return undefined;
    const observer = new ResizeObserver(() => set(target.clientWidth));
    observer.observe(target);
    set(target.clientWidth);
    return () => observer.disconnect();
  }, [element]);
  return width;
}

/** Counts changes between light and dark, so that canvases are drawn again. */
export function useScheme(): boolean {
  const [is, set] = useState(dark.matches);
  useLayoutEffect(() => {
    const read = () => set(dark.matches);
    dark.addEventListener('change', read);
    return () => dark.removeEventListener('change', read);
  }, []);
  return is;
}

/** Clears the canvas and gives a pen in CSS pixels. */
export function pen(canvas: HTMLCanvasElement, width: number, height: number): Pen | null {
  const context = canvas.getContext('2d');
  if (!context || width <= 0) return null;
  const ratio = Math.min(3, devicePixelRatio || 1);
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const style = getComputedStyle(document.documentElement);
  return { context, width, height, colour: (name) => style.getPropertyValue(`--${name}`).trim() };
}

/** About `count` round numbers from `low` to `high`. */
export function ticks(low: number, high: number, count: number): number[] {
  const span = high - low;
  if (!(span > 0)) return [low];
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((each) => each >= rough) ?? 10 * power;
  const list: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * span; i += 1) list.push(i * step);
  return list;
}
