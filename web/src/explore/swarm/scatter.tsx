/** Runs as dots: a domain's share across, a loss or a residual upwards. Shapes as well as colours tell kinds of runs apart. */
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { percent } from '../../view/format';
import { pen, ticks, useScheme, useWidth, type Pen } from './canvas';

export interface Dot {
  id: string;
  x: number;
  y: number | null;
  kind: 'run' | 'outlier' | 'replicate' | 'pending';
  note: string;
}

export interface ScatterProps {
  dots: Dot[];
  xName: string;
  yName: string;
  yText: (value: number) => string;
  /** The mixture on screen. */
  here: { x: number; y: number | null } | null;
  prior: number | null;
  /** Shares of proposed runs. */
  next: number[];
  /** A line at this height, such as a residual of 0. */
  rule: number | null;
  chosen: string | null;
  choose: (id: string | null) => void;
}

const HEIGHT = 340;
const MARGIN = { left: 58, right: 14, top: 12, bottom: 40 };

interface Scale {
  x: (value: number) => number;
  y: (value: number) => number;
  xs: [number, number];
  ys: [number, number];
}

function scaleOf(props: ScatterProps, width: number): Scale {
  const xs = props.dots.map((dot) => dot.x).concat(props.next, props.here ? [props.here.x] : [], props.prior === null ? [] : [props.prior]);
  const ys = props.dots.flatMap((dot) => (dot.y === null ? [] : [dot.y]));
  if (props.here?.y !== null && props.here) ys.push(props.here.y);
  if (props.rule !== null) ys.push(props.rule);
  const range = (values: number[], pad: number): [number, number] => {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
    if (!Number.isFinite(low)) return [0, 1];
    if (high === low) return [low - 0.5 * Math.abs(low || 1), high + 0.5 * Math.abs(high || 1)];
    return [low - pad * (high - low), high + pad * (high - low)];
  };
  const [, right] = range(xs, 0.03);
  const x: [number, number] = [0, Math.min(1.02, Math.max(right, 0.001))];
  const y = range(ys, 0.06);
  const inner = { width: width - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
  return {
    xs: x,
    ys: y,
    x: (value) => MARGIN.left + (inner.width * (value - x[0])) / (x[1] - x[0]),
    y: (value) => MARGIN.top + inner.height * (1 - (value - y[0]) / (y[1] - y[0])),
  };
}

function axes({ context, width, colour }: Pen, props: ScatterProps, scale: Scale): void {
  context.font = '11px Inter, system-ui, sans-serif';
  context.lineWidth = 1;
  const bottom = HEIGHT - MARGIN.bottom;
  for (const tick of ticks(scale.ys[0], scale.ys[1], 7)) {
    const y = Math.round(scale.y(tick)) + 0.5;
    context.strokeStyle = colour('line');
    context.beginPath();
    context.moveTo(MARGIN.left, y);
    context.lineTo(width - MARGIN.right, y);
    context.stroke();
    context.fillStyle = colour('muted');
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    context.fillText(props.yText(tick), MARGIN.left - 8, y);
  }
  const few = width < 500 ? 4 : 7;
  const xTicks = ticks(scale.xs[0], scale.xs[1], few);
  const step = (xTicks[1] ?? 0.1) - (xTicks[0] ?? 0);
  const digits = [0, 1, 2].find((each) => Math.abs(step * 100 * 10 ** each - Math.round(step * 100 * 10 ** each)) < 1e-6) ?? 3;
  for (const tick of xTicks) {
    context.fillStyle = colour('muted');
    context.textAlign = 'center';
    context.textBaseline = 'top';
    context.fillText(percent(tick, digits), scale.x(tick), bottom + 6);
  }
  context.fillText(`share of ${props.xName.length > 48 ? `${props.xName.slice(0, 47)}…` : props.xName}`, (MARGIN.left + width - MARGIN.right) / 2, bottom + 22);
  if (props.rule !== null) {
    context.strokeStyle = colour('strong-line');
    context.beginPath();
    context.moveTo(MARGIN.left, scale.y(props.rule));
    context.lineTo(width - MARGIN.right, scale.y(props.rule));
    context.stroke();
  }
  if (props.prior === null) return;
  context.strokeStyle = colour('strong-line');
  context.setLineDash([4, 3]);
  context.beginPath();
  context.moveTo(scale.x(props.prior), MARGIN.top);
  context.lineTo(scale.x(props.prior), bottom);
  context.stroke();
  context.setLineDash([]);
}

function dots({ context, colour }: Pen, props: ScatterProps, scale: Scale): void {
  const many = props.dots.length > 1000;
  const size = many ? 2 : 3.5;
  const bottom = HEIGHT - MARGIN.bottom;
  context.fillStyle = colour('blue');
  context.globalAlpha = many ? 0.4 : 0.7;
  context.beginPath();
  for (const dot of props.dots) {
    if (dot.kind !== 'run' || dot.y === null) continue;
    const [x, y] = [scale.x(dot.x), scale.y(dot.y)];
    context.moveTo(x + size, y);
    context.arc(x, y, size, 0, 7);
  }
  context.fill();
  context.globalAlpha = 1;
  context.lineWidth = 1.5;
  context.strokeStyle = colour('blue');
  for (const dot of props.dots) if (dot.kind === 'replicate' && dot.y !== null) context.strokeRect(scale.x(dot.x) - 3.5, scale.y(dot.y) - 3.5, 7, 7);
  context.strokeStyle = colour('orange');
  context.lineWidth = 2;
  context.beginPath();
  for (const dot of props.dots) {
    if (dot.kind !== 'outlier' || dot.y === null) continue;
    const [x, y] = [scale.x(dot.x), scale.y(dot.y)];
    context.moveTo(x - 4, y - 4);
    context.lineTo(x + 4, y + 4);
    context.moveTo(x + 4, y - 4);
    context.lineTo(x - 4, y + 4);
  }
  context.stroke();
  context.strokeStyle = colour('strong-line');
  context.beginPath();
  for (const dot of props.dots) {
    if (dot.y !== null) continue;
    context.moveTo(scale.x(dot.x), bottom);
    context.lineTo(scale.x(dot.x), bottom - 8);
  }
  context.stroke();
  context.fillStyle = colour('green');
  for (const share of props.next) {
    context.beginPath();
    context.moveTo(scale.x(share), bottom - 1);
    context.lineTo(scale.x(share) - 5, bottom - 11);
    context.lineTo(scale.x(share) + 5, bottom - 11);
    context.fill();
  }
  if (props.here && props.here.y !== null) diamond(context, scale.x(props.here.x), scale.y(props.here.y), colour('ink'), colour('surface'));
}

function diamond(context: CanvasRenderingContext2D, x: number, y: number, fill: string, edge: string): void {
  context.beginPath();
  context.moveTo(x, y - 7);
  context.lineTo(x + 7, y);
  context.lineTo(x, y + 7);
  context.lineTo(x - 7, y);
  context.closePath();
  context.fillStyle = fill;
  context.strokeStyle = edge;
  context.lineWidth = 1.5;
  context.fill();
  context.stroke();
}

export function Scatter(props: ScatterProps) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(box);
  const scheme = useScheme();
  const scale = useMemo(() => scaleOf(props, Math.max(width, 200)), [props.dots, props.here, props.next, props.rule, props.prior, width]);
  const [near, setNear] = useState<Dot | null>(null);
  useLayoutEffect(() => {
    const tool = canvas.current && pen(canvas.current, width, HEIGHT);
    if (!tool) return;
    axes(tool, props, scale);
    dots(tool, props, scale);
  }, [scale, scheme, width, props.yText]);
  const find = (event: PointerEvent): Dot | null => {
    const at = canvas.current!.getBoundingClientRect();
    const [px, py] = [event.clientX - at.left, event.clientY - at.top];
    let best: Dot | null = null;
    let least = 14 * 14;
    for (const dot of props.dots) {
      const distance = (scale.x(dot.x) - px) ** 2 + ((dot.y === null ? HEIGHT - MARGIN.bottom - 4 : scale.y(dot.y)) - py) ** 2;
      if (distance < least) [best, least] = [dot, distance];
    }
    return best;
  };
  const shown = near ?? (props.chosen !== null ? (props.dots.find((dot) => dot.id === props.chosen) ?? null) : null);
  const place = shown && { left: scale.x(shown.x), top: shown.y === null ? HEIGHT - MARGIN.bottom - 4 : scale.y(shown.y) };
  return (
    <div class="scatter" ref={box}>
      <canvas
        ref={canvas}
        role="img"
        aria-label={`${props.dots.length} runs: ${props.yName} by share of ${props.xName}. The table below has every run.`}
        onPointerMove={(event) => setNear(find(event))}
        onPointerLeave={() => setNear(null)}
        onPointerDown={(event) => props.choose(find(event)?.id ?? null)}
      />
      {shown && place && (
        <>
          <span class="ring" style={{ left: `${place.left}px`, top: `${place.top}px` }} />
          <div
            class="card"
            style={{
              left: place.left < width / 2 ? `${place.left + 12}px` : 'auto',
              right: place.left < width / 2 ? 'auto' : `${width - place.left + 12}px`,
              top: `${Math.max(4, place.top - 20)}px`,
            }}
          >
            <b>{shown.id}</b>
            <span>
              {props.xName}: {percent(shown.x)}
            </span>
            <span>{shown.y === null ? 'no loss yet' : `${props.yName}: ${props.yText(shown.y)}`}</span>
            {shown.note && <span class="muted">{shown.note}</span>}
          </div>
        </>
      )}
    </div>
  );
}
