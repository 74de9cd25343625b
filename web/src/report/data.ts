/** What stands in the page for its script. */
import type { AnswersData, MixtureFile } from '../model';
import { asMixture } from '../model';

export interface PageData {
  domains: string[];
  tasks: string[];
  /** The runs that were fitted to, in the order of the dots of the figures. */
  runs: string[];
  weights: number[] | null;
  /** Why there are no answers; empty where there is nothing to say. */
  why?: string;
  answers?: AnswersData;
  mixture?: MixtureFile;
}

/** The data of the page; null where it has none. */
export function pageData(): PageData | null {
  const element = document.getElementById('data');
  if (!element?.textContent) return null;
  const data = JSON.parse(element.textContent) as PageData & { version: number };
  if (data.version !== 1) throw new Error(`the page's data has version ${data.version}`);
  if (data.mixture) asMixture(data.mixture);
  return data;
}
