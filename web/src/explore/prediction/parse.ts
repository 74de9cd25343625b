/** A mixture as people write or paste it: lines of a domain and a share, CSV, or JSON. */
import { percent } from '../../view/format';

export interface Typed {
  weights: number[] | null;
  problem: string | null;
  note: string | null;
}

/** Pairs of a name and a share from JSON: an object, or a list of objects with `domain` or `name` and `weight` or `share`. */
function fromJson(text: string): [string, number][] | null {
  try {
    const value = JSON.parse(text) as unknown;
    if (Array.isArray(value)) {
      return value.map((each: Record<string, unknown>) => [String(each['domain'] ?? each['name']), Number(each['weight'] ?? each['share'])]);
    }
    const object = value as Record<string, unknown>;
    if (Array.isArray(object['domains'])) return fromJson(JSON.stringify(object['domains']));
    return Object.entries(object).map(([name, share]) => [name, Number(share)]);
  } catch {
    return null;
  }
}

/** A line: the name, then the share behind a space, a comma, a tab, an equals sign or a colon. */
function fromLine(line: string): [string, number, boolean] | null {
  const match = /^\s*"?(.+?)"?\s*[\s,;\t=:]\s*([0-9]*\.?[0-9]+(?:e-?[0-9]+)?)\s*(%?)\s*,?\s*$/i.exec(line);
  return match ? [match[1]!.trim(), Number(match[2]), match[3] === '%'] : null;
}

/** Reads a mixture over `names`; shares that do not sum to 1 are scaled, and the note says so. */
export function parseMixture(text: string, names: string[]): Typed {
  const refuse = (problem: string): Typed => ({ weights: null, problem, note: null });
  if (text.trim() === '') return { weights: null, problem: null, note: null };
  let pairs: [string, number][];
  if (/^\s*[[{]/.test(text)) {
    const read = fromJson(text);
    if (!read) return refuse('This begins like JSON and is none.');
    pairs = read;
  } else {
    pairs = [];
    let percents = false;
    for (const [i, line] of text.split(/\r?\n/).entries()) {
      if (line.trim() === '' || (i === 0 && /^\s*"?(domain|name)"?\s*,/i.test(line))) continue;
      const read = fromLine(line);
      if (!read) return refuse(`Line ${i + 1} is no domain with a share: “${line.trim().slice(0, 60)}”.`);
      percents ||= read[2];
      pairs.push([read[0], read[1]]);
    }
    if (percents) pairs = pairs.map(([name, share]) => [name, share / 100]);
  }
  const weights = names.map(() => 0);
  const position = new Map(names.map((name, j) => [name, j]));
  for (const [name, share] of pairs) {
    const j = position.get(name);
    if (j === undefined) return refuse(`There is no domain “${name.slice(0, 60)}”.`);
    if (!(share >= 0 && Number.isFinite(share))) return refuse(`The share of “${name}” is no number from 0.`);
    weights[j] = share;
  }
  const sum = weights.reduce((a, b) => a + b, 0);
  if (!(sum > 0)) return refuse('All shares are 0.');
  const left = names.length - pairs.length;
  const parts = [
    Math.abs(sum - 1) > 1e-6 ? `The shares sum to ${percent(sum)} and were scaled to 100 %.` : '',
    left > 0 ? `${left} domain${left === 1 ? '' : 's'} that the text does not name get${left === 1 ? 's' : ''} 0.` : '',
  ];
  return { weights: weights.map((weight) => weight / sum), problem: null, note: parts.filter(Boolean).join(' ') || null };
}
