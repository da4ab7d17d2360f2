import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What is read of a source map. */
export interface SourceMap {
  readonly sources: readonly string[];
  readonly mappings: string;
  /** In those of bundles (`scripts/line-maps.ts`): where every so many lines of the file begin. */
  readonly x_starts?: { readonly every: number; readonly starts: readonly (readonly [number, number, number])[] };
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** By its code, what each of them is worth. */
const VALUES: number[] = [];
for (let value = 0; value < DIGITS.length; value += 1) VALUES[DIGITS.charCodeAt(value)] = value;
const [COMMA, SEMICOLON] = [','.charCodeAt(0), ';'.charCodeAt(0)];

/**
 * Has each stack of this process name the sources of what stands in this folder, and their lines. Node can do so too
 * (`process.setSourceMapsEnabled`), but goes through the whole program for it while loading it, and through its whole map with
 * objects for each place, which together was a quarter of a start. Here nothing is read before somebody looks at a stack.
 */
export function nameSources(): void {
  const folder = new URL('.', import.meta.url).href;
  const maps = new Map<string, LineMap | undefined>();
  const mapOf = (file: string): LineMap | undefined => {
    if (!maps.has(file)) maps.set(file, LineMap.read(file));
    return maps.get(file);
  };
  const shown = (site: NodeJS.CallSite): string => {
    const text = String(site);
    const file = site.getFileName();
    if (!file?.startsWith(folder)) return text;
    const [line, column] = [site.getLineNumber() ?? 0, site.getColumnNumber() ?? 0];
    const source = mapOf(file)?.find(line - 1, column - 1);
    return source === undefined ? text : text.replace(`${file}:${line}:${column}`, () => source);
  };
  Error.prepareStackTrace = (error, sites) =>
    [headOf(error), ...sites.map((site) => `    at ${shown(site)}`)].join('\n');
}

/** As Node writes it, with the code of an error of its own. */
function headOf(error: Error): string {
  try {
    const { code } = error as NodeJS.ErrnoException;
    const isNodes = typeof code === 'string' && code.startsWith('ERR_');
    return isNodes ? String(error) : Error.prototype.toString.call(error);
  } catch {
    // One whose parts cannot be read: whoever asks for its stack is to have one.
    return 'Error';
  }
}

/** A place among mappings, and what they count on from there: a source, and a line of it. */
interface Cursor {
  at: number;
  source: number;
  line: number;
}

/** Which line of which source each place of a file is from. */
export class LineMap {
  readonly #file: string;
  readonly #map: SourceMap;

  constructor(file: string, map: SourceMap) {
    this.#file = file;
    this.#map = map;
  }

  /** @returns undefined where it has none, or it cannot be read: a stack without it is better than none. */
  static read(file: string): LineMap | undefined {
    try {
      return new LineMap(file, JSON.parse(readFileSync(`${fileURLToPath(file)}.map`, 'utf8')));
    } catch {
      return undefined;
    }
  }

  /** Where that is in a source, as stacks have it. Lines and columns count from 0. */
  find(line: number, column: number): string | undefined {
    const { x_starts: { every, starts } = { every: 1, starts: [] }, sources } = this.#map;
    const nearest = Math.floor(line / every);
    const [at, source, sourceLine] = starts[nearest] ?? [0, 0, 0];
    const cursor = { at, source, line: sourceLine };
    for (let here = starts[nearest] ? nearest * every : 0; here < line; here += 1) this.#readLine(cursor);
    const found = this.#readLine(cursor, column);
    const path = sources[found?.source ?? -1];
    if (!found || path === undefined) return undefined;
    // Columns are left out of the maps of bundles.
    return `${new URL(path, this.#file).href}:${found.line + 1}:1`;
  }

  /** Takes `cursor` to the next line, and finds the last mapping up to column `most`. */
  #readLine(cursor: Cursor, most = 0): { source: number; line: number } | undefined {
    const { mappings } = this.#map;
    let found: { source: number; line: number } | undefined;
    let [column, field, number, shift] = [0, 0, 0, 0];
    while (cursor.at < mappings.length) {
      const sign = mappings.charCodeAt(cursor.at);
      cursor.at += 1;
      if (sign === SEMICOLON) break;
      if (sign === COMMA) {
        field = 0;
        continue;
      }
      const digit = VALUES[sign] ?? 0;
      number |= (digit & 31) << shift;
      shift += 5;
      if (digit & 32) continue;
      const by = number & 1 ? -(number >> 1) : number >> 1;
      if (field === 0) column += by;
      else if (field === 1) cursor.source += by;
      else if (field === 2) {
        cursor.line += by;
        if (column <= most) found = { source: cursor.source, line: cursor.line };
      }
      [field, number, shift] = [field + 1, 0, 0];
    }
    return found;
  }
}
