/** A mixture to be pasted elsewhere, in the formats that need no data files. */
import { useState } from 'preact/hooks';
import { type PlainFormat, PLAIN_FORMATS, type Share, exported } from '../model/export';
import { copyAndSay } from './copy';

export function Copies({ shares }: { shares: () => Share[] }) {
  const [format, choose] = useState<PlainFormat>('csv');
  return (
    <span class="copies">
      <label>
        Copy this mixture as{' '}
        <select value={format} onChange={(event) => choose(event.currentTarget.value as PlainFormat)}>
          {PLAIN_FORMATS.map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </select>
      </label>{' '}
      <button type="button" onClick={() => void copyAndSay(exported(shares(), format), `the mixture as ${format}`)}>
        Copy
      </button>
    </span>
  );
}
