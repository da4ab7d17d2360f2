import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../docs/render.ts';
import { requests } from '../protocol/methods.ts';
import bundles from '../scripts/bundle.config.ts';

/*
 * The directions of docs/architecture.md, types counted. The linter holds the same for a file while it is written; this
 * holds the whole.
 */

/** What is not a family in actors/, from the bottom up. A file may import from its own room and from those before it. */
const BELOW = ['kernel', 'connection', 'requests', 'shown', 'approvals', 'tools', 'turns'];
const ABOVE = ['families.ts', 'broker.ts'];
/** What one family may know of another: nothing, but for this. */
const FAMILY_IMPORTS: Readonly<Record<string, readonly string[]>> = {
  meetings: ['voice', 'memory'],
};

/** Rooms at the top level, and those that each may import from; `node_modules` is the linter's. */
const TOP: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  machines: ['protocol'],
  actors: ['cluster', 'link', 'machines', 'protocol'],
  transport: ['protocol'],
  journal: [],
  audit: ['protocol'],
  telemetry: ['protocol', 'version.ts'],
  memory: ['journal', 'protocol'],
  'turn-journal': ['journal', 'protocol'],
  link: ['machines', 'protocol'],
  cluster: ['link'],
  nats: ['cluster', 'link', 'sdks'],
  a2a: ['protocol'],
  jwt: ['protocol'],
  client: ['protocol'],
  fronts: ['client', 'protocol', 'sdks', 'transport', 'broker-api.ts'],
  sdks: [],
  attach: ['client', 'protocol', 'sdks', 'version.ts'],
  metrics: ['actors', 'cluster', 'protocol'],
  trials: ['client'],
};

/** Files that name families on purpose: the lists. */
const LISTS = ['actors/families.ts', 'broker.ts'];
/** What a family asks of whoever is outside, and who answers. */
const ASKED: Readonly<Record<string, string>> = { 'actors/cluster/directory.ts': 'nats' };

interface File {
  path: string;
  text: string;
  imports: string[];
}

const files: File[] = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.ts', '*.tsx'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && !path.startsWith('test/'))
  .flatMap((path) => {
    const text = read(path);
    return text === undefined ? [] : [{ path, text, imports: importsOf(path, text) }];
  });

function read(path: string): string | undefined {
  try {
    return readFileSync(join(ROOT, path), 'utf8');
  } catch {
    // Deleted, and not yet committed.
    return undefined;
  }
}

/** Paths of the project's own files that a file imports, types too. */
function importsOf(path: string, text: string): string[] {
  return [...text.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*'(\.[^']*)'/g)].map(([, to = '']) =>
    normalize(join(dirname(path), to)),
  );
}

/** The room of a file in actors/: its folder, or its own name where it lies beside them. */
function roomOf(path: string): string {
  return path.split('/')[1] ?? '';
}

/** Every other room of actors/ is a family: nobody lists them here. */
const FAMILIES = [...new Set(files.filter(({ path }) => path.startsWith('actors/')).map(({ path }) => roomOf(path)))]
  .filter((room) => !BELOW.includes(room) && !ABOVE.includes(room))
  .sort();
const STOREYS: readonly (readonly string[])[] = [
  ...BELOW.map((room) => [room]),
  FAMILIES,
  ...ABOVE.map((file) => [file]),
];

const arrows = (of: (path: string) => string) =>
  files.flatMap(({ path, imports }) =>
    imports.map((to) => ({ path, to, from: of(path), into: of(to) })).filter(({ from, into }) => from !== into),
  );

describe('the rooms at the top level', () => {
  it.each(Object.entries(TOP))('%s › imports only from %j', (room, allowed) => {
    const wrong = arrows((path) => path.split('/')[0] ?? '')
      .filter(({ from, into }) => from === room && !allowed.includes(into))
      .map(({ path, to }) => `${path} → ${to}`);
    expect(wrong).toEqual([]);
  });
});

describe('the rooms of actors', () => {
  const inside = arrows(roomOf).filter(({ path, to }) => path.startsWith('actors/') && to.startsWith('actors/'));
  const storeyOf = (room: string) => STOREYS.findIndex((rooms) => rooms.includes(room));

  it.each([...BELOW, ...ABOVE])('has %s, which is no family', (room) => {
    expect(files.some(({ path }) => path.startsWith('actors/') && roomOf(path) === room)).toBe(true);
  });

  it.each(FAMILIES)('has %s as a family: a folder that says what it is, in the list', (room) => {
    expect(files.map(({ path }) => path)).toContain(`actors/${room}/family.ts`);
    const list = files.find(({ path }) => path === 'actors/families.ts');
    expect(list?.imports).toContain(`actors/${room}/family.ts`);
  });

  it('import from those below them', () => {
    const wrong = inside
      .filter(({ from, into }) => storeyOf(into) > storeyOf(from))
      .map(({ path, to }) => `${path} → ${to}`);
    expect(wrong).toEqual([]);
  });

  it('are families that do not know each other', () => {
    const wrong = inside
      .filter(({ from, into }) => FAMILIES.includes(from) && FAMILIES.includes(into))
      .filter(({ from, into }) => !FAMILY_IMPORTS[from]?.includes(into))
      .map(({ path, to }) => `${path} → ${to}`);
    expect(wrong).toEqual([]);
  });

  it('are named by the lists alone where they are families', () => {
    const wrong = files
      .filter(({ path }) => !LISTS.includes(path) && !FAMILIES.includes(roomOf(path)))
      .flatMap(({ path, imports }) =>
        imports
          .filter((to) => to.startsWith('actors/') && FAMILIES.includes(roomOf(to)))
          .filter((to) => ASKED[to] !== path.split('/')[0])
          .map((to) => `${path} → ${to}`),
      );
    expect(wrong).toEqual([]);
  });

  it.each(FAMILIES.filter((family) => family !== NAMED_BELOW && family !== ANSWERS_NOTHING))(
    'below the families say nothing of %s',
    (family) => {
      const spaces = namespacesOf(family);
      expect(spaces, 'methods that it answers').not.toEqual([]);
      const wrong = files
        .filter(({ path }) => path.startsWith('actors/') && BELOW.includes(roomOf(path)))
        .flatMap(({ path, text }) =>
          [...text.matchAll(/'(\w+)(?:[./][^']*)?'/g)].map(([name, space]) => ({ path, name, space })),
        )
        .filter(({ name, space = '' }) => spaces.includes(space) && !CHART_EVENTS.includes(name))
        .map(({ path, name }) => `${path} says ${name}`);
      expect(wrong).toEqual([]);
    },
  );
});

/** The family whose names are the wire's own, and events of all go by them. */
const NAMED_BELOW = 'hosts';
/** The family that answers no method of its own: it has those of all answered where they belong, and names them. */
const ANSWERS_NOTHING = 'cluster';
/** Events of the connection's and the broker's charts, which carry voice; no methods. */
const CHART_EVENTS = ["'voice.event'", "'voice.audio'", "'voice.deliver'"];

/** What the names of the methods that a family answers begin with, up to the first `.` or `/`. */
function namespacesOf(family: string): string[] {
  const keys = files
    .filter(({ path }) => path.startsWith(`actors/${family}/`))
    .flatMap(({ text }) => [...text.matchAll(/^ +'([^']+)': /gm)].map(([, name = '']) => name));
  return [...new Set(keys.filter((name) => requests.has(name)).map((name) => name.split(/[./]/)[0] ?? ''))];
}

describe('what clients sent', () => {
  it('is read and written by parseJson and writeJson in actors/: JSON.stringify throws at the bigint that a long integer is', () => {
    const others = files.filter(
      ({ path, text }) => path.startsWith('actors/') && /\bJSON\.(parse|stringify)\(/.test(text),
    );
    expect(others.map(({ path }) => path)).toEqual([]);
  });
});

describe('imports', () => {
  it('make no circle of rooms, types counted', () => {
    const rooms = new Map<string, Set<string>>();
    const place = (path: string) => (path.startsWith('actors/') ? dirname(path) : (path.split('/')[0] ?? ''));
    for (const { from, into } of arrows(place)) rooms.set(from, (rooms.get(from) ?? new Set()).add(into));
    expect(circles(rooms)).toEqual([]);
  });

  it('make no circle of files that run', () => {
    const running = new Map<string, Set<string>>();
    for (const { path, text } of files) {
      const values = text.replace(/import type [^;]*;|export type \{[^;]*;/g, '');
      running.set(path, new Set(importsOf(path, values)));
    }
    expect(circles(running)).toEqual([]);
  });
});

describe('the fronts', () => {
  it('know their core, and no other front', () => {
    const isFront = (room: string) => !room.endsWith('.ts') && room !== 'core';
    const others = arrows((path) => (path.startsWith('fronts/') ? roomOf(path) : ''))
      .filter(({ path, from, into }) => path.startsWith('fronts/') && isFront(from) && into !== '' && into !== 'core')
      .map(({ path, to }) => `${path} imports ${to}`)
      .filter((arrow) => !arrow.endsWith('imports fronts/options.ts'));
    expect(others).toEqual([]);
  });
});

describe('packages', () => {
  /** Part of a bundle, with all that it uses, or not of the package (`files` in package.json). */
  const ELSEWHERE = /^(?:attach|bench|cli|console|daemon|docs|examples|scripts|soak|trials)\/|^[^/]*config\.ts$/;
  const OF_THE_SENDERS = /^telemetry\/(?:metrics-sender|otlp-span|place|span-sender)\.ts$/;
  const bundled = bundles.map(({ input }) => relative(ROOT, String(input)));
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

  it('that a file uses when it runs, outside of a bundle, are installed with it', () => {
    const missing = files
      .filter(({ path }) => !ELSEWHERE.test(path) && !OF_THE_SENDERS.test(path) && !bundled.includes(path))
      .flatMap(({ path, text }) => {
        const values = text.replace(/(?:import|export) type [^;]*;/g, '');
        return [...values.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*'([@a-z][^' ]*)'/g)]
          .map(([, name = '']) => /^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name)
          .filter((name) => !name.startsWith('node:') && !Object.hasOwn(dependencies, name))
          .map((name) => `${path} › ${name}`);
      });
    expect(missing).toEqual([]);
  });
});

/** Groups of nodes that reach each other, by Tarjan. */
function circles(graph: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const found: string[][] = [];
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const visit = (node: string) => {
    const own = index.size;
    index.set(node, own);
    low.set(node, own);
    stack.push(node);
    for (const next of graph.get(node) ?? []) {
      if (!index.has(next)) visit(next);
      if (stack.includes(next)) low.set(node, Math.min(low.get(node) ?? own, low.get(next) ?? own));
    }
    if (low.get(node) !== own) return;
    const group = stack.splice(stack.indexOf(node));
    if (group.length > 1) found.push(group.sort());
  };
  for (const node of graph.keys()) if (!index.has(node)) visit(node);
  return found;
}
