/** A place in the console, as the address's fragment names it: `#/runs/turn-1?view=sequence`. */
export interface Place {
  /** `['runs', 'turn-1']` */
  parts: readonly string[];
  /** What stands behind the `?`. */
  query: URLSearchParams;
}

/** Reads a fragment, with its `#` or without. Never throws: what is no percent-encoding stays as it is. */
export function placeOf(fragment: string): Place {
  const text = fragment.replace(/^#\/?/, '');
  const mark = text.indexOf('?');
  const path = mark < 0 ? text : text.slice(0, mark);
  const parts = path.split('/').map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
  return { parts, query: new URLSearchParams(mark < 0 ? '' : text.slice(mark + 1)) };
}

/** What stands behind the `?`: fields that are undefined or empty are left out. */
export type Query = Readonly<Record<string, string | number | undefined>>;

/** The fragment of a place, with its `#`. */
export function addressOf(parts: readonly string[], query: Query = {}): string {
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') fields.set(name, String(value));
  }
  const text = fields.toString();
  return `#/${parts.map(encodeURIComponent).join('/')}${text === '' ? '' : `?${text}`}`;
}
