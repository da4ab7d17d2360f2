import { SourceMap } from 'node:module';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { linesOnly } from '../../scripts/line-maps.ts';

/** Some files of ours in one, and its map. */
function bundled(minifyWhitespace: boolean) {
  const { outputFiles } = buildSync({
    entryPoints: [join(import.meta.dirname, '../../daemon/lock.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['pino', 'zod'],
    minifyWhitespace,
    sourcemap: 'external',
    outdir: 'nowhere',
    write: false,
  });
  const textOf = (end: string) => outputFiles.find(({ path }) => path.endsWith(end))?.text ?? '';
  return { code: textOf('.js'), map: JSON.parse(textOf('.map')) };
}

describe('a source map of lines alone', () => {
  it.each([
    ['that is written as its sources are', false],
    ['that is written in one line', true],
  ])('names the same source and line for every place of a file %s, and is shorter', (_, minifyWhitespace) => {
    const { code, map } = bundled(minifyWhitespace);
    const mappings = linesOnly(map.mappings);
    const [all, lines] = [new SourceMap(map), new SourceMap({ ...map, names: [], mappings })];
    const sources = new Set<string>();
    for (const [line, text] of code.split('\n').entries()) {
      for (let column = 0; column < text.length; column += 1) {
        const [before, after] = [all.findEntry(line, column), lines.findEntry(line, column)];
        if (!('originalSource' in before)) continue;
        sources.add(before.originalSource);
        expect(after, `${line}:${column}`).toMatchObject({
          originalSource: before.originalSource,
          originalLine: before.originalLine,
        });
      }
    }
    expect(sources.size).toBeGreaterThan(3);
    expect(mappings.length).toBeLessThan(map.mappings.length / 2);
  });
});
