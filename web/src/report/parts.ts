/** What the parts of this page take from elsewhere, in one place. */
export * from '../model';
export { change, loss, percent, percentShort, setting, tokens } from '../model/format';
export type { PageData } from './data';
