import type { Plugin } from 'rolldown';

/** How many mappings there are is what reading a source map takes. */

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const VALUES = new Map([...DIGITS].map((digit, value) => [digit, value]));

/**
 * Has the source map of each chunk tell lines alone: where in its line something stands, and what it is called there, no
 * stack needs. That is a quarter of what there was to read.
 */
export function lineMaps(): Plugin {
  return {
    name: 'line-maps',
    generateBundle(_options, bundle) {
      for (const [name, asset] of Object.entries(bundle)) {
        if (asset.type !== 'asset' || !name.endsWith('.js.map')) continue;
        const map = JSON.parse(String(asset.source));
        const mappings = linesOnly(map.mappings);
        asset.source = JSON.stringify({ ...map, names: [], mappings, x_starts: startsOf(mappings) });
      }
    },
  };
}

/** Of mappings, as they are written in a source map, those at which another line of a source begins. */
export function linesOnly(mappings: string): string {
  // All but the column are counted on from one mapping to the next, over all lines.
  let [source, line] = [0, 0];
  let [lastSource, lastLine] = [0, 0];
  const linesOf = (segments: string) => {
    let [column, lastColumn] = [0, 0];
    let at: string | undefined;
    const kept: string[] = [];
    for (const segment of segments.split(',')) {
      const [columns = 0, sources, lines = 0] = decode(segment);
      column += columns;
      // Of nothing that anybody has written.
      if (sources === undefined) continue;
      source += sources;
      line += lines;
      if (at === `${source}:${line}`) continue;
      at = `${source}:${line}`;
      kept.push([column - lastColumn, source - lastSource, line - lastLine, 0].map(encode).join(''));
      [lastColumn, lastSource, lastLine] = [column, source, line];
    }
    return kept.join(',');
  };
  return mappings.split(';').map(linesOf).join(';');
}

/** So many lines of a file are read to find one of them. */
const EVERY = 128;

/**
 * Where every so many lines begin among mappings, and what these count on from there, a source and a line of it: each counts
 * on from the one before, so that without it all of them are read for one (`source-lines.ts`).
 */
export function startsOf(mappings: string, every = EVERY): { every: number; starts: [number, number, number][] } {
  const starts: [number, number, number][] = [];
  let [at, source, line] = [0, 0, 0];
  for (const [index, segments] of mappings.split(';').entries()) {
    if (index % every === 0) starts.push([at, source, line]);
    at += segments.length + 1;
    for (const segment of segments.split(',')) {
      const [, sources = 0, lines = 0] = decode(segment);
      source += sources;
      line += lines;
    }
  }
  return { every, starts };
}

function decode(segment: string): number[] {
  const numbers: number[] = [];
  let [number, shift] = [0, 0];
  for (const digit of segment) {
    const value = VALUES.get(digit) ?? 0;
    number |= (value & 31) << shift;
    shift += 5;
    if (value & 32) continue;
    numbers.push(number & 1 ? -(number >> 1) : number >> 1);
    [number, shift] = [0, 0];
  }
  return numbers;
}

function encode(number: number): string {
  let rest = number < 0 ? (-number << 1) | 1 : number << 1;
  let digits = '';
  do {
    digits += DIGITS[(rest & 31) | (rest > 31 ? 32 : 0)];
    rest >>= 5;
  } while (rest > 0);
  return digits;
}
