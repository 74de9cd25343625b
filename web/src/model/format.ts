/** Numbers as the report's tables show them: the rules of crates/olmix-report/src/format.rs. */

/** A number with so many significant digits; a dash where it is not finite. */
export function significant(value: number, digits: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const exponent = Number(value.toExponential(digits - 1).split('e')[1]);
  if (exponent >= -4 && exponent < 6) return minus(value.toFixed(Math.max(digits - 1 - exponent, 0)));
  return minus(value.toExponential(digits - 1).replace('e+', 'e'));
}

/** A setting: three significant digits without zeros at the end. */
export function setting(value: number): string {
  const text = significant(value, 3);
  return text.includes('.') && !text.includes('e') ? text.replace(/\.?0+$/, '') : text;
}

/** A loss: four decimals, so that columns align; scientific where that says nothing. */
export function loss(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || size >= 1e4 || (value !== 0 && size < 1e-3)) return significant(value, 3);
  return minus(value.toFixed(4));
}

/** A weight in percent with two decimals and no unit: `12.34`, `<0.01` for a trace. */
export function percent(weight: number): string {
  if (!Number.isFinite(weight)) return '–';
  if (weight > 0 && weight < 0.000_05) return '<0.01';
  return minus((100 * weight).toFixed(2));
}

/** A fraction in percent to three significant digits, with the unit: `12.2 %`. */
export function percentShort(fraction: number): string {
  const percent = 100 * fraction;
  if (Math.abs(percent) < 0.005) return '0\u{a0}%';
  if (Math.abs(percent) < 1) return minus(`${percent.toFixed(2)}\u{a0}%`);
  return `${significant(percent, 3)}\u{a0}%`;
}

/** A change in percent with its sign: `−12.2 %`, `+7.46 %`. */
export function change(fraction: number): string {
  const text = percentShort(fraction);
  return fraction > 0 && !text.startsWith('0\u{a0}') ? `+${text}` : text;
}

/** A number of tokens: `6T`, `1.5B`, `600M`. */
export function tokens(count: number): string {
  for (const [unit, name] of [[1e12, 'T'], [1e9, 'B'], [1e6, 'M'], [1e3, 'K']] as const) {
    if (count >= unit) {
      const text = significant(count / unit, 4);
      return (text.includes('.') ? text.replace(/\.?0+$/, '') : text) + name;
    }
  }
  return significant(count, 4);
}

/** A true minus sign where the number is negative; no sign on a zero. */
function minus(number: string): string {
  if (!number.startsWith('-')) return number.replace('e-', 'e−');
  const rest = number.slice(1);
  return /^[0.\u{a0}%]*$/u.test(rest) ? rest : `−${rest.replace('e-', 'e−')}`;
}
