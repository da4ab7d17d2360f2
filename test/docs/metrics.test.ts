import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createBroker } from '../../broker.ts';
import { ROOT } from '../../docs/render.ts';
import { CloseCode } from '../../protocol/close-codes.ts';
import { scrape } from '../support/metrics.ts';

const broker = createBroker();
const text = await scrape(broker);
await broker.close();

const page = readFileSync(join(ROOT, 'docs/metrics.md'), 'utf8');
const dashboard = JSON.parse(readFileSync(join(ROOT, 'docs/grafana-dashboard.json'), 'utf8'));

/** What `/metrics` really tells: each metric's type by its name. */
const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
/** A histogram is asked for by the names of its parts. */
const series = new Map(
  [...types].flatMap(([name, type]) =>
    type === 'histogram' ? ['bucket', 'sum', 'count'].map((part) => [`${name}_${part}`, name]) : [[name, name]],
  ) as [string, string][],
);
const rows = page.split('\n').filter((line) => line.startsWith('| `'));
const queries: string[] = dashboard.panels.flatMap((panel: { targets?: { expr: string }[] }) =>
  (panel.targets ?? []).map(({ expr }) => expr),
);

describe('docs/metrics.md', () => {
  it.each([...types])('has a row for %s, which is a %s', (name, type) => {
    const row = rows.find((line) => line.startsWith(`| \`${name}\` |`));
    expect(row?.split('|')[2]?.trim()).toBe(type);
  });

  it('has no row for anything else', () => {
    expect(rows).toHaveLength(types.size);
  });

  it.each(Object.values(CloseCode))('names the close code %i', (code) => {
    const row = rows.find((line) => line.startsWith('| `switchboard_connections_closed_total` |'));
    expect(row?.split('|')[3]).toMatch(new RegExp(`\\b${code}\\b`));
  });

  it.each([...text.matchAll(/^(switchboard_\w+)\{(\w+)="/gm)].map(([, name, label]) => [name, label] as const))(
    'names the label of %s: %s',
    (name, label) => {
      const metric = series.get(name ?? '');
      expect(rows.find((line) => line.startsWith(`| \`${metric}\` |`))?.split('|')[3]).toContain(`\`${label}\``);
    },
  );
});

describe('docs/grafana-dashboard.json', () => {
  const asked = queries.flatMap((query) => query.match(/switchboard_\w+/g) ?? []);

  it('asks for nothing that there is not', () => {
    expect(asked.filter((name) => !series.has(name))).toEqual([]);
    expect(queries.length).toBeGreaterThan(20);
  });

  it('asks for every metric', () => {
    const shown = new Set(asked.map((name) => series.get(name)));
    expect([...types.keys()].filter((name) => !shown.has(name))).toEqual([]);
  });

  it('groups by labels that there are', () => {
    for (const query of queries) {
      for (const [, label, inner] of query.matchAll(/by \((\w+)\) \((?:rate\()?(switchboard_\w+)/g)) {
        const metric = series.get(inner ?? '');
        expect(rows.find((line) => line.startsWith(`| \`${metric}\` |`))?.split('|')[3]).toContain(`\`${label}\``);
      }
    }
  });

  it('has panels that neither overlap nor share an id', () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }: { id: number }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }: { gridPos: Record<'x' | 'y' | 'w' | 'h', number> }) => {
      expect(x + w).toBeLessThanOrEqual(24);
      return Array.from({ length: w * h }, (_, n) => `${x + (n % w)}:${y + Math.floor(n / w)}`);
    });
    expect(new Set(cells).size).toBe(cells.length);
  });

  it('finds its data source by itself', () => {
    const sources = dashboard.panels.flatMap((panel: { datasource?: { uid: string } }) => panel.datasource?.uid ?? []);
    expect(new Set(sources)).toEqual(new Set([`\${datasource}`]));
  });
});
