import { SourceMap } from 'node:module';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { linesOnly, startsOf } from '../../scripts/line-maps.ts';
import { LineMap } from '../../source-lines.ts';

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

  it('is read from the nearest of the lines whose beginnings it tells, to the same end', () => {
    const { code, map } = bundled(false);
    const mappings = linesOnly(map.mappings);
    const all = new SourceMap(map);
    const lines = new LineMap('file:///a/b.js', { sources: map.sources, mappings, x_starts: startsOf(mappings, 16) });
    const whole = new LineMap('file:///a/b.js', { sources: map.sources, mappings });
    let found = 0;
    for (const [line, text] of code.split('\n').entries()) {
      const entry = all.findEntry(line, text.length);
      const isOwn = 'generatedLine' in entry && entry.generatedLine === line;
      const place = isOwn
        ? `${new URL(entry.originalSource, 'file:///a/b.js').href}:${entry.originalLine + 1}:1`
        : undefined;
      expect(lines.find(line, text.length), `${line}`).toBe(place);
      expect(whole.find(line, text.length), `${line}`).toBe(place);
      if (isOwn) found += 1;
    }
    expect(found).toBeGreaterThan(100);
    expect(lines.find(code.length, 0)).toBeUndefined();
  });
});
