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
  const most = Math.min(MOST_EDITS, Math.floor(letters.length / 2));
  for (let edits = 0; edits <= most; edits += 1) {
    const nearest = known.find((each) => isWithin(edits, letters, lettersOf(each)));
    if (nearest !== undefined) return nearest;
  }
  return undefined;
}

/** A name without what its case says: wire names are in snake_case, options in camelCase. */
function lettersOf(name: string): string {
  return name.slice(0, 64).replaceAll(/[_-]/g, '').toLowerCase();
}

/** Whether so many letters at most are to be changed, left out or put in: three ways to go on at each, so few steps. */
function isWithin(edits: number, a: string, b: string): boolean {
  let same = 0;
  while (same < a.length && a[same] === b[same]) same += 1;
  const [x, y] = [a.slice(same), b.slice(same)];
  if (x === y) return true;
  const left = edits - 1;
  const [nextX, nextY] = [x.slice(1), y.slice(1)];
  return edits > 0 && (isWithin(left, nextX, nextY) || isWithin(left, nextX, y) || isWithin(left, x, nextY));
}
