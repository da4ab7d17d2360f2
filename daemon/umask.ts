/** What this process's files were open to before it became the daemon. */
let before: number | undefined;

/** From now on everything that the daemon makes is its user's alone. */
export function keepToUser(): void {
  before = process.umask(0o077);
}

/** How its user wants files made: so the programs that it runs for that user make theirs. Undefined where that was never changed. */
export const umaskOfUser = (): number | undefined => before;
