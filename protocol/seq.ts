/** The highest `seq`, and the highest `aseq`, that anybody may claim: more than a turn ever has, and one is left to follow it. */
export const MAX_SEQ = 2 ** 32 - 2;
