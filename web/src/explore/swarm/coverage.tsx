/** Coverage of the simplex: which shares of each domain the runs sampled, and where the mixture on screen lies. */
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { percent } from '../../view/format';
import { memo } from '../../view/memo';
import { Tip } from '../../view/tip';
import { useWindow, WHOLE } from '../../view/virtual';
import type { State } from '../state/store';
import type { Run } from '../state/types';
import { pen, useScheme, useWidth } from './canvas';
import { share } from './data';

interface Sampled {
  name: string;
  shares: Float32Array;
  least: number;
  most: number;
}

function sampled(runs: Run[], names: string[]): Sampled[] {
  const all = names.map((name) => ({ name, shares: new Float32Array(runs.length), least: 1, most: 0 }));
  runs.forEach((run, i) => {
    all.forEach((domain, j) => {
      const value = share(run.weights, j);
      domain.shares[i] = value;
      domain.least = Math.min(domain.least, value);
      domain.most = Math.max(domain.most, value);
    });
  });
  return all;
}

/** One domain's strip: a tick for each run, denser where more runs are; a mark where the mixture lies. */
const Strip = memo((props: { domain: Sampled; weight: number | null; end: number; width: number; scheme: boolean }) => {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const tool = canvas.current && pen(canvas.current, props.width, 20);
    if (!tool) return;
    const { context, colour, width } = tool;
    const x = (value: number) => 2 + (width - 4) * Math.min(1, value / props.end);
    context.fillStyle = colour('sunken');
    context.fillRect(0, 2, width, 16);
    context.fillStyle = colour('blue');
    context.globalAlpha = Math.max(0.06, Math.min(0.6, 20 / props.domain.shares.length));
    for (const value of props.domain.shares) context.fillRect(x(value) - 0.5, 2, 1.5, 16);
    context.globalAlpha = 1;
    if (props.weight === null) return;
    context.fillStyle = colour('ink');
    context.fillRect(x(props.weight) - 1.5, 0, 3, 20);
  }, [props.domain, props.weight, props.end, props.width, props.scheme]);
  return <canvas ref={canvas} aria-hidden="true" />;
});

export function Coverage({ state, runs }: { state: State; runs: Run[] }) {
  const { domains } = state.model.mixture;
  const measured = useMemo(() => runs.filter((run) => run.losses), [runs]);
  const all = useMemo(() => sampled(measured, domains.map((domain) => domain.name)), [measured, domains]);
  const weights = state.solved.weights;
  const order = useMemo(() => domains.map((_, j) => j).sort((a, b) => weights[b]! - weights[a]! || a - b), [domains, weights]);
  const end = useMemo(() => Math.max(0.01, ...all.map((domain) => domain.most), ...weights), [all, weights]);
  const scroller = useRef<HTMLDivElement>(null);
  const probe = useRef<HTMLSpanElement>(null);
  const width = useWidth(probe);
  const scheme = useScheme();
  const window = useWindow(scroller, order.length, 28);
  const bare = state.model.bare === true;
  const outside = order.filter((j) => !bare && measured.length > 0 && (weights[j]! > all[j]!.most + 1e-6 || weights[j]! < all[j]!.least - 1e-6)).length;
  return (
    <section class="panel coverage" aria-label="Coverage">
      <header>
        <h2>
          <Tip text="The shares of each domain that the runs sampled, a tick for each run, from 0 to the largest. The dark mark is the mixture on screen. Outside of all ticks nobody measured.">
            Coverage
          </Tip>
        </h2>
        <span class={outside > 0 ? 'worse' : 'muted'}>
          {bare ? '' : outside > 0 ? `${outside} of ${domains.length} domains outside of every run` : 'every weight on screen lies within the runs'}
        </span>
        <span class="gap" />
        <span class="muted">0 to {percent(end, 0)}</span>
      </header>
      <div class={order.length > WHOLE ? 'strips scroller tall' : 'strips'} ref={scroller} tabIndex={order.length > WHOLE ? 0 : undefined} role="list" aria-label="Sampled shares by domain">
        <div class="strip probe" aria-hidden="true" role="presentation">
          <span class="strip-name" />
          <span ref={probe} />
          <span class="strip-word" />
        </div>
        <div style={{ height: `${window.before}px` }} role="presentation" />
        {order.slice(window.from, window.to).map((j) => {
          const domain = all[j]!;
          const beyond = !bare && measured.length > 0 && (weights[j]! > domain.most + 1e-6 || weights[j]! < domain.least - 1e-6);
          return (
            <div class="strip" role="listitem" key={domain.name}>
              <span class="strip-name" title={domain.name}>{domain.name}</span>
              <span class="strip-box">{width > 0 && <Strip domain={domain} weight={bare ? null : weights[j]!} end={end} width={width} scheme={scheme} />}</span>
              <span class={beyond ? 'strip-word worse' : 'strip-word muted'}>
                {measured.length === 0 ? 'no run' : beyond ? `outside: ${percent(weights[j], 1)}` : `to ${percent(domain.most, 1)}`}
              </span>
            </div>
          );
        })}
        <div style={{ height: `${window.behind}px` }} role="presentation" />
      </div>
    </section>
  );
}
