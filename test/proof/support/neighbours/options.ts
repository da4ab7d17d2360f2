/** How long the attacks at random go on: `npm run neighbours -- --minutes 10`. 0: the short form, within the tests. */
export const MINUTES = Number(process.env.NEIGHBOURS_MINUTES ?? 0);
/** Mebibytes of heap that the daemon has in the long form: as little as anybody would give it. */
export const HEAP_MIB = 128;
