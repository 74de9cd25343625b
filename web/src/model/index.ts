/** What both pages know of a fit: the types of its file, its laws, and losses by family. */
export * from './families';
export * from './laws';
export * from './mixture';
export * from './answers';
export * from './limits';
export * from './export';
