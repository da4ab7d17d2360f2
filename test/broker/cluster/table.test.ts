import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { requests } from '../../../protocol/methods.ts';

/** What the page says of each method: the pattern in its row, and where it is carried out. */
function rows(): { pattern: RegExp; where: string }[] {
  const page = readFileSync(new URL('../../../docs/cluster.md', import.meta.url), 'utf8');
  const [, table = ''] = page.split('## Which broker does what');
  const [first = ''] = table.split('\nWhere a broker that is needed');
  return first
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => {
      const [, names = '', where = ''] = line.split('|');
      let family = '';
      return [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => {
        if (!name.startsWith('.')) family = name.slice(0, name.lastIndexOf('.'));
        const whole = name.startsWith('.') ? `${family}${name}` : name;
        const text = whole.replaceAll(/[.]/g, '[.]').replaceAll('*', '.+');
        return { pattern: new RegExp(`^${text}$`), where: where.trim() };
      });
    });
}

const ROWS = rows();

const SAID = {
  agent: /^the broker at which the agent is attached/,
  owner: /^the client's own; where that knows of nothing, the one that does$/,
  home: /^home/,
  all: /^all/,
  snapshot: /^the client's own, with the agents and approvals of all$/,
  told: /^the client's own, and wherever it has a guest$/,
  named: /^the client's own, or the one that it names as `broker`$/,
  own: /^the client's own(, which tells (all others|of the actors of all)|, by a provider wherever that is attached)?$/,
} as const;

test.each([...requests])('the page says of %s where it is carried out, and so it is', (name, { place, direction }) => {
  if (direction !== 'in') return;
  const meant = ROWS.filter(({ pattern }) => pattern.test(name));
  // What is said of it by name counts more than what is said of its family.
  const exact = meant.filter(({ pattern }) => pattern.source === `^${name.replaceAll('.', '[.]')}$`);
  const [row] = exact.length > 0 ? exact : meant;
  expect(row, `${name} is in no row of docs/cluster.md`).toBeDefined();
  if (name !== 'a2ui.capabilities') expect(row?.where).toMatch(SAID[place ?? 'own']);
});
