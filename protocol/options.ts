/** Every option's name. As an object, so that `satisfies Record<keyof Options, true>` keeps it complete. */
export type KnownOptions = Readonly<Record<string, true>>;

/** Farther from it than that, a name is no slip of the finger but another word. */
const MOST_EDITS = 3;

/**
 * Refuses an option that does not exist: it would be passed over, and what it was meant for would not happen.
 * @param where whose options they are, for the message.
 * @throws {TypeError} that names it and the nearest that exists.
 */
export function checkOptions(where: string, options: object | undefined, known: KnownOptions): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new TypeError(`${where}: options are an object`);
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(known, name)) continue;
    const nearest = nearestOf(name, Object.keys(known));
    const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
    throw new TypeError(`${where}: there is no option ${name.slice(0, 64)}${hint}`);
  }
}

/** The name that was meant, if any comes near: `session_id` and `SessionID` mean `sessionId`, a slip of the finger, too. */
export function nearestOf(name: string, known: readonly string[]): string | undefined {
  const letters = lettersOf(name);
  let nearest: string | undefined;
  let fewest = Math.min(MOST_EDITS, Math.floor(letters.length / 2)) + 1;
  for (const each of known) {
    const edits = editsBetween(letters, lettersOf(each));
    if (edits >= fewest) continue;
    fewest = edits;
    nearest = each;
  }
  return nearest;
}

/** A name without what its case says: wire names are in snake_case, options in camelCase. */
function lettersOf(name: string): string {
  return name.slice(0, 64).replaceAll(/[_-]/g, '').toLowerCase();
}

/** Levenshtein's distance: how many letters are to be changed, left out or put in. */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 0; i < a.length; i += 1) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j += 1) {
      const change = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
