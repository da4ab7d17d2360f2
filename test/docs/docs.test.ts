import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { configSchema } from '../../daemon/config.ts';
import { variableOf } from '../../daemon/flag.ts';
import { allStates, readChart } from '../../docs/chart.ts';
import { idOf } from '../../docs/mermaid.ts';
import { MACHINES, ROOT, renderPages } from '../../docs/render.ts';
import { BROKER_KINDS } from '../../protocol/events.ts';
import { decodeFrame } from '../../protocol/frame.ts';
import { CloseCode, chatEventKinds, DEFAULT_LIMITS, ErrorCode, methods } from '../../protocol/index.ts';
import type { MethodSpec } from '../../protocol/method.ts';
import { readChatEvent } from '../../protocol/read-event.ts';
import { PAGES, page } from './support.ts';

const protocol = page('docs/protocol.md');
const rendered = await renderPages();

describe('the pages', () => {
  it.each([...rendered.keys()])('%s is what `npm run docs` writes', (path) => {
    expect(page(path), 'out of date: run `npm run docs`').toBe(rendered.get(path));
  });

  it('come out the same each time', async () => {
    expect(await renderPages()).toEqual(rendered);
  });

  it.each(PAGES)('%s links to files, and to headings of pages, that are there', (path) => {
    for (const [, target = '', heading] of page(path).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)) {
      const linked = target === '' ? path : join(dirname(path), target);
      expect(existsSync(join(ROOT, linked)), target).toBe(true);
      if (heading !== undefined) expect(headingsOf(page(linked)), `${target}#${heading}`).toContain(heading);
    }
  });
});

describe('docs/protocol.md', () => {
  it.each(Object.entries(ErrorCode))('has a row for the error %s', (name, code) => {
    expect(protocol).toContain(`| \`${code}\` | ${name} |`);
  });

  it.each(Object.entries(CloseCode))('has a row for the close code %s', (name, code) => {
    expect(protocol).toContain(`| \`${code}\` | ${name} |`);
  });

  it.each(Object.entries<MethodSpec>(methods))('has a section and a link for %s', (key, { name = key }) => {
    // What tells two methods of one name apart stands behind it.
    const rest = key.slice(name.length);
    expect(protocol).toContain(`### \`${name}\`${rest}\n`);
    expect(protocol).toContain(`[\`${name}\`${rest}](#${key.replaceAll(/[.()/]/g, '').replaceAll(' ', '-')})`);
  });

  it.each(Object.keys(chatEventKinds))('has a row for the event kind %s', (kind) => {
    expect(protocol).toContain(`| \`${kind}\` |`);
  });

  it('has what an agent streams in one table, and what the broker alone says in another', () => {
    const kindsIn = (name: string) => {
      const [, table = ''] = protocol.split(`<!-- generated:${name} -->`);
      return [...(table.split('<!-- /generated -->')[0] ?? '').matchAll(/^\| `(\w+)` \|/gm)].map(([, kind]) => kind);
    };
    expect(kindsIn('broker-events')).toEqual([...BROKER_KINDS]);
    expect(kindsIn('events')).toEqual(Object.keys(chatEventKinds).filter((kind) => !BROKER_KINDS.has(kind)));
  });

  it.each(Object.keys(DEFAULT_LIMITS))('has a row for the limit %s', (name) => {
    expect(protocol).toContain(`| \`${name}\` |`);
  });

  it('shows frames that the broker reads, and events that pass', () => {
    const frames = [...protocol.matchAll(/^\{"jsonrpc".*$/gm)].map(([text]) => decodeFrame(text));
    expect(frames.length).toBeGreaterThan(30);
    for (const frame of frames) {
      expect(frame.kind).not.toBe('bad');
      if (frame.kind === 'notification' && frame.method.endsWith('.event')) {
        expect(readChatEvent(frame.params)).toBe(frame.params);
      }
    }
  });

  it('shows no secret', () => {
    expect(protocol.match(/"(?:host_)?token":"(?!<)/g)).toBeNull();
  });
});

describe('docs/statecharts.md', () => {
  const charts = page('docs/statecharts.md');

  it.each(Object.entries<AnyStateMachine>(MACHINES))('draws every state and every arrow of %s', (_name, machine) => {
    const chart = readChart(machine);
    const { initial, entry, exit } = chart;
    expect(charts).toContain(`[*] --> ${initial}`);
    for (const action of [...entry, ...exit])
      expect(charts).toMatch(new RegExp(`^\\| \\*the whole\\* .*\`${action}\``, 'm'));
    for (const { path, isFinal, initial, transitions } of allStates(chart)) {
      if (isFinal) expect(charts).toContain(`${idOf(path)} --> [*]`);
      if (initial !== undefined) expect(charts).toContain(`[*] --> ${idOf(path)}_${initial}`);
      for (const { target } of transitions) {
        if (target !== undefined) expect(charts).toContain(`  ${idOf(path)} --> ${idOf(target)} : `);
      }
    }
  });

  it('knows the same states and transitions as the machine was written with', () => {
    for (const machine of Object.values<AnyStateMachine>(MACHINES)) {
      const written = (config: Config, path: string[]): [string, number][] => [
        [path.join('.'), [config.always, ...Object.values({ ...config.on, ...config.after })].flatMap(many).length],
        ...Object.entries(config.states ?? {}).flatMap(([name, inner]) => written(inner, [...path, name])),
      ];
      const [, ...states] = written(machine.config as Config, []);
      const read = allStates(readChart(machine)).map(({ path, transitions }) => [path, transitions.length]);
      expect(read).toEqual(states);
    }
  });
});

/** How the headings of a page are linked to: as GitHub names them. */
function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replaceAll(/[^\p{Letter}\p{Number}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** What this reads of a machine's configuration. */
interface Config {
  always?: unknown;
  on?: Record<string, unknown>;
  after?: Record<string, unknown>;
  states?: Record<string, Config>;
}

const many = (value: unknown): unknown[] => (value === undefined ? [] : Array.isArray(value) ? value : [value]);

describe('docs/flags.md', () => {
  it.each(Object.keys(configSchema.shape))('has a row for --%s', (name) => {
    expect(page('docs/flags.md')).toMatch(new RegExp(`\\| \`--${name}(?: [A-Z=]+)?\` \\| \`${variableOf(name)}\` \\|`));
  });
});
