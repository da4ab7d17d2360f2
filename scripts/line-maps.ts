import type { Plugin } from 'rolldown';

/** How many mappings there are is what reading a source map takes, and Node reads it at the start. */

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
        asset.source = JSON.stringify({ ...map, names: [], mappings: linesOnly(map.mappings) });
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
