/** What speaks for and against a prediction: the distance to the nearest run, and the answers of rival laws. */
import { along } from '../../view/bar';
import { change as signed, loss, percent } from '../../view/format';
import { Tip } from '../../view/tip';
import type { Prediction } from '../state/types';

/** A scale from "measured" to "nobody was near". */
export function Distance(props: { nearest: Prediction['nearest']; far: boolean }) {
  const { nearest, far } = props;
  if (!nearest) return null;
  const typical = nearest.typical ?? nearest.distance;
  const end = Math.max(4 * typical, nearest.distance * 1.1) || 1;
  return (
    <div class="distance">
      <p>
        <Tip text="Half of the summed differences of the weights between this mixture and the nearest run: the share of the data that would have to be exchanged.">Nearest run</Tip>{' '}
        <b>{nearest.run}</b>, {percent(nearest.distance, 1)} of the mixture away
        {nearest.typical !== null && nearest.typical !== undefined && <span class="muted"> (runs are typically {percent(nearest.typical, 1)} apart)</span>}
        {far && <span class="worse"> · extrapolated</span>}
      </p>
      <div class="gauge" aria-hidden="true">
        <i class="known" style={{ width: along(typical / end) }} />
        <i class={far ? 'here hatched' : 'here'} style={{ left: along(nearest.distance / end) }} />
      </div>
    </div>
  );
}

/** What laws of other kinds predict for the same mixture. */
export function Rivals(props: { prediction: Prediction; gain: number | null }) {
  const { alternatives } = props.prediction;
  if (alternatives === null) return <p class="muted">Other laws of the same runs are being fitted …</p>;
  if (alternatives.length === 0) return <p class="muted">No other law can be fitted to these runs.</p>;
  return (
    <table class="rivals">
      <caption class="off-screen">What rival laws predict for this mixture</caption>
      <thead>
        <tr>
          <th scope="col">Law</th>
          <th scope="col" class="number">
            Average loss
          </th>
          <th scope="col" class="number">
            vs. prior
          </th>
        </tr>
      </thead>
      <tbody>
        <tr>
          <th scope="row">this fit</th>
          <td class="number">{loss(props.prediction.average)}</td>
          <td class="number">{props.gain === null ? '' : signed(-props.gain)}</td>
        </tr>
        {alternatives.map((each) => (
          <tr key={each.law}>
            <th scope="row">{each.law}</th>
            <td class="number">{loss(each.average)}</td>
            <td class={`number ${each.gain !== null && each.gain < 0 ? 'worse' : ''}`}>{each.gain === null ? '–' : signed(-each.gain)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
