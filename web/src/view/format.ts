/** Numbers as the pages show them: a true minus sign, a no-break space before the unit, the same digits in every row. */

const NBSP = '\u00a0';
const MINUS = '\u2212';
export const ABSENT = '–';

function fixed(value: number, digits: number): string {
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? MINUS + text : text;
}

/** A share in percent, such as `36.00 %`. */
export function percent(share: number | null | undefined, digits = 2): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return ABSENT;
  return `${fixed(100 * share, digits)}${NBSP}%`;
}

/** A change in percent, always with its sign: `+0.40 %`, `−1.20 %`, `0.00 %`. */
export function change(share: number | null | undefined, digits = 2): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return ABSENT;
  const text = fixed(100 * share, digits);
  return `${share > 0 && Number(text) !== 0 ? '+' : ''}${text}${NBSP}%`;
}

/** A loss, with four decimals. */
export function loss(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return ABSENT;
  return Math.abs(value) >= 1e5 ? significant(value) : fixed(value, 4);
}

/** Epochs: two decimals, one above 100. */
export function epochs(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return ABSENT;
  return fixed(value, value >= 100 ? 1 : 2);
}

/** A number with at most four significant digits. */
export function significant(value: number): string {
  if (!Number.isFinite(value)) return ABSENT;
  const text = Number(value.toPrecision(4));
  return (Math.abs(text) >= 1e6 || (text !== 0 && Math.abs(text) < 1e-4) ? text.toExponential() : String(text)).replace('-', MINUS);
}

const UNITS: [number, string][] = [
  [1e15, 'Q'],
  [1e12, 'T'],
  [1e9, 'B'],
  [1e6, 'M'],
  [1e3, 'K'],
];

/** Tokens as people write them: `2T`, `800B`, `1.25M`. */
export function tokens(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return ABSENT;
  for (const [size, unit] of UNITS) {
    if (value >= size * 0.9995 && unit !== 'Q') return `${Number((value / size).toPrecision(4))}${unit}`;
  }
  return String(Math.round(value));
}

/** Reads `2T`, `800B`, `1.5e12`, `800,000,000,000`; null where the text is no number above 0. */
export function parseTokens(text: string): number | null {
  const match = /^([0-9][0-9_,\s]*(?:\.[0-9]+)?(?:e\+?[0-9]+)?)\s*([kmbtq]?)(?:\s*tokens?)?$/i.exec(text.trim());
  if (!match) return null;
  const unit = UNITS.find(([, name]) => name === (match[2] ?? '').toUpperCase());
  const value = Number((match[1] ?? '').replace(/[_,\s]/g, '')) * (unit ? unit[0] : 1);
  return Number.isFinite(value) && value > 0 ? value : null;
}

/** Reads a share written in percent, `10`, `10 %`, `2.5%`; null where it is none of 0 to 100. */
export function parsePercent(text: string): number | null {
  const match = /^([0-9]*\.?[0-9]+|[0-9]+\.)\s*%?$/.exec(text.trim().replace(',', '.'));
  const value = match ? Number(match[1]) / 100 : Number.NaN;
  return Number.isFinite(value) && value >= 0 && value <= 1 ? value : null;
}

/** Reads a number from 0; null where the text is none. */
export function parseNumber(text: string): number | null {
  const clean = text.trim().replace(',', '.');
  const value = /^[0-9]*\.?[0-9]+(e[+-]?[0-9]+)?$|^[0-9]+\.$/i.test(clean) ? Number(clean) : Number.NaN;
  return Number.isFinite(value) ? value : null;
}
