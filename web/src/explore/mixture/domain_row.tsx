/** One domain: its weight as a bar to drag, its marks, bounds, epochs and the constraint that holds it. */
import { along, Bar, shift } from '../../view/bar';
import { epochs as shownEpochs, parsePercent, percent } from '../../view/format';
import { Icon } from '../../view/icons';
import { memo } from '../../view/memo';
import { drag, edit, endDrag, notify, startDrag } from '../state/actions';
import { bound, withBound, withFixed } from '../state/settings';
import { current } from '../state/store';
import type { Limit } from '../state/types';
import { Field } from './field';
import { Grip } from './grip';

export interface RowProps {
  name: string;
  position: number;
  weight: number;
  prior: number;
  /** The token cap; null where there is none. */
  cap: number | null;
  low: number;
  high: number;
  fixed: boolean;
  dead: boolean;
  epochs: number | null;
  limit: Limit | null;
  /** The weight in the mixture that is compared with. */
  baseline: number;
  /** The right end of the bars. */
  scale: number;
}

/** The binding constraint as a word. */
export const LIMITS: Record<Limit, string> = {
  cap: 'token cap',
  max: 'maximum',
  min: 'minimum',
  held: 'not sampled',
  fixed: 'fixed by you',
};

function plain(share: number): string {
  return String(Number((100 * share).toFixed(4)));
}

function percentOrNothing(text: string): number | null | undefined {
  return text.trim() === '' || text.trim() === '–' ? null : (parsePercent(text) ?? undefined);
}

const RULE = 'a share from 0 to 100, in percent, such as 10; nothing for none';

function setLow(name: string, value: number | null): void {
  const { settings } = current();
  const [, high] = bound(settings, name);
  const low = value ?? 0;
  edit(withBound(settings, name, low, Math.max(low, high)), value === null ? `No minimum for ${name}` : `${name} at least ${plain(low)} %`);
}

function setHigh(name: string, value: number | null): void {
  const { settings } = current();
  const [low] = bound(settings, name);
  const high = value ?? 1;
  edit(withBound(settings, name, Math.min(low, high), high), value === null ? `No maximum for ${name}` : `${name} at most ${plain(high)} %`);
}

function fix(name: string, weight: number | null): void {
  const { settings } = current();
  edit(withFixed(settings, name, weight), weight === null ? `Releasing ${name}` : `${name} at ${plain(weight)} %`);
}

/** A weight that the domain's own limit forbids. */
function tooMuch(name: string, value: number, most: number, byCap: boolean): void {
  notify({
    kind: 'error',
    message: `${name} can’t have ${plain(value)} %: its ${byCap ? 'token cap' : 'maximum'} is ${percent(most)}.`,
    help: byCap ? 'Raise the repetition factor or lower the tokens of the run.' : 'Raise its maximum first.',
  });
}

export const DomainRow = memo((props: RowProps) => {
  const { name, weight, scale, low, high, cap } = props;
  const word = props.limit ? LIMITS[props.limit] : '';
  const marks = (
    <>
      {cap !== null && cap < scale && <i class="beyond" style={{ clipPath: `inset(0 0 0 ${along(cap / scale)})` }} />}
      {cap !== null && cap < scale && <i class="cap" style={shift(cap / scale)} />}
      {high < 1 && high < scale && <i class="edge high" style={shift(high / scale)} />}
      {low > 0 && <i class="edge low" style={shift(low / scale)} />}
      <i class="prior" style={shift(props.prior / scale)} />
      {Math.abs(props.baseline - weight) > 0.02 * scale && <i class="baseline" style={shift(props.baseline / scale)} />}
      {!props.dead && !props.fixed && (
        <>
          <Grip name={name} side="low" low={low} high={high} most={Math.min(1, cap ?? 1)} scale={scale} />
          <Grip name={name} side="high" low={low} high={high} most={Math.min(1, cap ?? 1)} scale={scale} />
        </>
      )}
    </>
  );
  return (
    <div class={props.fixed ? 'domain is-fixed' : 'domain'} role="row" aria-rowindex={props.position + 2} data-domain={name}>
      <div class="d-name" role="rowheader" title={name}>
        <span>{name}</span>
      </div>
      <div class="d-bar" role="cell">
        <Bar
          label={`Weight of ${name}`}
          value={weight}
          max={scale}
          top={Math.min(1, scale, high, cap ?? 1)}
          step={0.001}
          text={`${percent(weight, 1)}${word ? `, ${word}` : ''}, prior ${percent(props.prior, 1)}`}
          disabled={props.dead}
          marks={marks}
          onStart={startDrag}
          onMove={(value) => drag(withFixed(current().settings, name, Math.max(low, Number(value.toFixed(5)))), `${name} at ${plain(Number(value.toFixed(4)))} %`)}
          onEnd={endDrag}
        />
      </div>
      <div class="d-weight" role="cell">
        <Field
          label={`Weight of ${name}, in percent`}
          shown={percent(weight)}
          read={percentOrNothing}
          rule={RULE}
          take={(value) => {
            const most = Math.min(high, cap ?? 1);
            if (value !== null && value > most) tooMuch(name, value, most, cap !== null && cap < high);
            else fix(name, value);
          }}
        />
      </div>
      <div class="d-bounds" role="cell">
        <Field
          label={`Least share of ${name}, in percent`}
          shown={low > 0 ? `${plain(low)} %` : ''}
          placeholder="min"
          class={low > 0 ? 'given' : ''}
          read={percentOrNothing}
          rule={RULE}
          take={(value) => setLow(name, value)}
        />
        <Field
          label={`Greatest share of ${name}, in percent`}
          shown={high < 1 ? `${plain(high)} %` : ''}
          placeholder="max"
          class={high < 1 ? 'given' : ''}
          read={percentOrNothing}
          rule={RULE}
          take={(value) => setHigh(name, value)}
        />
      </div>
      <div class="d-epochs number" role="cell">
        {shownEpochs(props.epochs)}
        <span class="unit"> ep.</span>
      </div>
      <div class={props.limit ? `d-limit is-${props.limit}` : 'd-limit'} role="cell">
        {word}
      </div>
      <div class="d-lock" role="cell">
        <button
          type="button"
          class="button quiet icon-only"
          aria-pressed={props.fixed}
          disabled={props.dead}
          title={props.fixed ? 'Release: let the solver choose this weight' : 'Fix this weight where it is'}
          onClick={() => fix(name, props.fixed ? null : Number(weight.toFixed(6)))}
        >
          <Icon name={props.fixed ? 'lock' : 'open'} />
          <span class="off-screen">{`Fix ${name}`}</span>
        </button>
      </div>
    </div>
  );
});
