/**
 * How much of a proof this run is to make: all of it (`npm run proof`), or, as in `npm test`, a part, so that the suite ends
 * within minutes. What is looked for, and what fails it, are the same.
 */
export const isWhole = process.env.PROOF === 'whole';

/** So many of something, or as `npm test` has it. */
export const ofProof = (whole: number, short: number): number => (isWhole ? whole : short);
