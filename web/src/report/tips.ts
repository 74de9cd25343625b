/** What a dot or a cell of a figure is: said to a pointer, and to the arrow keys where the figure has the focus. */
import { loss, significant } from '../model/format';
import type { PageData } from './data';

interface Points {
  /** Losses at the ends of the axes; left edge, top and side of the plot. */
  points: [low: number, high: number, left: number, top: number, side: number];
  skipped: number[];
  every: number;
}

interface Cells {
  /** Left edge, and width and height of a cell. */
  cells: [left: number, width: number, height: number];
  tops: number[];
  values: string;
}

/** A place in a figure, in its own units, with what it is. */
interface Spot {
  x: number;
  y: number;
  say: () => string;
}

/** Pixels from a dot at which it is still meant. */
const NEAR = 12;

export function tips(data: PageData): void {
  const tip = document.createElement('div');
  tip.id = 'tip';
  tip.hidden = true;
  tip.setAttribute('role', 'status');
  document.querySelector('main')?.append(tip);
  for (const place of document.querySelectorAll<HTMLElement>('[data-hover]')) attach(place, data, tip);
}

function attach(place: HTMLElement, data: PageData, tip: HTMLElement): void {
  const svg = place.querySelector('svg');
  if (!svg) return;
  let spots: Spot[] | undefined;
  let at = -1;
  // Read when first asked for: a page has tens of thousands of dots.
  const all = () => (spots ??= spotsOf(place, svg, data));
  const show = (index: number) => {
    const spot = all()[index];
    const matrix = svg.getScreenCTM();
    at = index;
    tip.hidden = !spot || !matrix;
    if (!spot || !matrix) return;
    tip.textContent = spot.say();
    const where = new DOMPoint(spot.x, spot.y).matrixTransform(matrix);
    const width = document.documentElement.clientWidth;
    tip.style.left = `${Math.max(4, Math.min(where.x + 10, width - tip.offsetWidth - 8)) + scrollX}px`;
    tip.style.top = `${where.y + 12 + scrollY}px`;
  };
  place.addEventListener('pointermove', (event) => {
    const matrix = svg.getScreenCTM();
    if (!matrix) return;
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    show(nearest(all(), point, NEAR / matrix.a));
  });
  place.addEventListener('pointerleave', () => show(-1));
  place.addEventListener('blur', () => show(-1));
  place.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const count = all().length;
    if (event.key === 'Escape') show(-1);
    else if (step !== undefined && count > 0 && place.tabIndex === 0) {
      event.preventDefault();
      show((at < 0 && step < 0 ? count - 1 : at + step + count) % count);
    }
  });
}

function nearest(spots: Spot[], point: DOMPoint, within: number): number {
  let [best, least] = [-1, within * within];
  spots.forEach((spot, i) => {
    const distance = (spot.x - point.x) ** 2 + (spot.y - point.y) ** 2;
    if (distance <= least) [best, least] = [i, distance];
  });
  return best;
}

function spotsOf(place: HTMLElement, svg: SVGSVGElement, data: PageData): Spot[] {
  const hover = JSON.parse(place.dataset['hover'] ?? '{}') as Partial<Points & Cells>;
  if (hover.points) return dots(hover as Points, svg, data);
  if (hover.cells) return cells(hover as Cells, data);
  return [];
}

function dots({ points: [low, high, left, top, side], skipped, every }: Points, svg: SVGSVGElement, data: PageData): Spot[] {
  const places: [number, number][] = [];
  svg.querySelectorAll('g[fill-opacity] circle').forEach((circle) => {
    places.push([Number(circle.getAttribute('cx')), Number(circle.getAttribute('cy'))]);
  });
  if (places.length === 0) {
    const path = svg.querySelector('path[stroke-linecap]')?.getAttribute('d') ?? '';
    for (const match of path.matchAll(/M([\d.-]+) ([\d.-]+)h0/g)) places.push([Number(match[1]), Number(match[2])]);
  }
  const without = new Set(skipped);
  const drawn: number[] = [];
  for (let i = 0; drawn.length < places.length && i < 1e6; i++) if (!without.has(i)) drawn.push(i);
  const value = (share: number) => loss(low + share * (high - low));
  // Runs that were set aside have dots, too, and no name here.
  const heldOut = svg.getAttribute('aria-label')?.includes('held out') ?? false;
  return places.map(([x, y], i) => ({
    x,
    y,
    say: () => {
      const run = drawn[i]! * every;
      const name = heldOut ? `run ${run + 1} of those held out` : (data.runs[run] ?? '');
      return `${name}: predicted ${value((x - left) / side)}, measured ${value((top + side - y) / side)}`;
    },
  }));
}

function cells({ cells: [left, width, height], tops, values }: Cells, data: PageData): Spot[] {
  const list = values.split(' ');
  const m = data.domains.length;
  return tops.flatMap((top, i) =>
    data.domains.map((domain, j) => ({
      x: left + (j + 0.5) * width,
      y: top + height / 2,
      say: () => {
        const text = list[i * m + j];
        const value = text ? Number(text) : Number.NaN;
        const does = value < 0 ? 'lowers the loss' : value > 0 ? 'raises the loss' : 'no effect';
        const effect = Number.isNaN(value) ? 'no run sampled the domain' : `${does} (effect ${significant(value, 3)})`;
        return `${domain} on ${data.tasks[i] ?? ''}: ${effect}`;
      },
    })),
  );
}
