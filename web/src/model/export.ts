/** A mixture in the formats that need no data files: what `olmix export` writes as csv, json, yaml and mix. */

export interface Share {
  domain: string;
  weight: number;
  tokens: number | null;
  epochs: number | null;
}

export type PlainFormat = 'csv' | 'json' | 'yaml' | 'mix';

/** What each format is, for a menu. */
export const PLAIN_FORMATS: [PlainFormat, string][] = [
  ['csv', 'CSV'],
  ['json', 'JSON'],
  ['yaml', 'YAML weights'],
  ['mix', 'trainer config (mix)'],
];

const UNITS = 1_000_000_000;

/** Weights as whole billionths that sum to a billion; what is not zero stays at least one. */
export function billionths(weights: ArrayLike<number>): number[] {
  const total = Array.from(weights).reduce((sum, weight) => sum + weight, 0);
  const exact = Array.from(weights, (weight) => (weight / total) * UNITS);
  const units = exact.map((x) => (x > 0 ? Math.max(Math.floor(x), 1) : 0));
  let missing = UNITS - units.reduce((sum, unit) => sum + unit, 0);
  const order = units.map((_, i) => i).filter((i) => exact[i]! > 0);
  order.sort((a, b) => exact[b]! - units[b]! - (exact[a]! - units[a]!) || exact[b]! - exact[a]!);
  for (let step = 0; missing > 0; step++, missing--) units[order[step % order.length]!]! += 1;
  order.sort((a, b) => units[b]! - units[a]!);
  for (const i of order) {
    const paid = Math.min(-missing, units[i]! - 1);
    if (missing < 0 && paid > 0) {
      units[i]! -= paid;
      missing += paid;
    }
  }
  return units;
}

/** The text of a mixture in a format. */
export function exported(shares: Share[], format: PlainFormat): string {
  const weights = billionths(shares.map((share) => share.weight)).map((unit) => (unit / UNITS).toFixed(9));
  const optional = (value: number | null) => (value === null ? '' : String(value));
  switch (format) {
    case 'csv':
      return csv([
        ['domain', 'weight', 'tokens', 'epochs'],
        ...shares.map((share, i) => [share.domain, weights[i]!, optional(share.tokens), optional(share.epochs)]),
      ]);
    case 'json': {
      const rows = shares.map(
        (share, i) =>
          `  {"domain": ${JSON.stringify(share.domain)}, "weight": ${weights[i]}, "tokens": ${share.tokens ?? 'null'}, "epochs": ${share.epochs ?? 'null'}}`,
      );
      return `[\n${rows.join(',\n')}\n]\n`;
    }
    case 'yaml':
      // A JSON string is a YAML string, whatever is in it.
      return shares.map((share, i) => `${JSON.stringify(share.domain)}: ${weights[i]}\n`).join('');
    case 'mix': {
      const entries = shares.map((share, i) => {
        const name = `  ${JSON.stringify(share.domain)}:\n    weight: ${weights[i]}\n`;
        if (share.epochs === null) return name;
        // Rounded up, so that rounding to sequences stays below.
        const most = Math.max(Math.ceil(share.epochs * 1.001 * 1e3) / 1e3, 1);
        return `${name}    repetition_factor: ${most}\n`;
      });
      return `mix:\n${entries.join('')}`;
    }
  }
}

/** Rows as CSV. */
export function csv(rows: string[][]): string {
  const field = (text: string) => (/[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return rows.map((row) => `${row.map(field).join(',')}\n`).join('');
}
