import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { z } from 'zod';
import { createBroker } from '../../broker.ts';
import { connectAgent, connectHost } from '../../client/node.ts';
import { configSchema } from '../../daemon/config.ts';
import { connectEcho } from '../../daemon/echo.ts';
import { variableOf } from '../../daemon/flag.ts';
import { allStates, readChart } from '../../docs/chart.ts';
import { idOf } from '../../docs/mermaid.ts';
import { MACHINES, ROOT, renderPages } from '../../docs/render.ts';
import { isChatEvent } from '../../protocol/events.ts';
import { decodeFrame } from '../../protocol/frame.ts';
import { CloseCode, chatEventKinds, DEFAULT_LIMITS, ErrorCode, methods } from '../../protocol/index.ts';
import type { MethodSpec } from '../../protocol/method.ts';

const page = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const protocol = page('docs/protocol.md');
const readme = page('README.md');
const rendered = await renderPages();

describe('the pages', () => {
  it.each([...rendered.keys()])('%s is what `npm run docs` writes', (path) => {
    expect(page(path), 'out of date: run `npm run docs`').toBe(rendered.get(path));
  });

  it('come out the same each time', async () => {
    expect(await renderPages()).toEqual(rendered);
  });

  it.each(['README.md', 'docs/protocol.md', 'docs/statecharts.md'])('%s links to files that are there', (path) => {
    for (const [, target = ''] of page(path).matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      expect(() => readFileSync(join(ROOT, path, '..', target)), target).not.toThrow(/ENOENT/);
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

  it.each(Object.keys(DEFAULT_LIMITS))('has a row for the limit %s', (name) => {
    expect(protocol).toContain(`| \`${name}\` |`);
  });

  it('shows frames that the broker reads, and events that pass', () => {
    const frames = [...protocol.matchAll(/^\{"jsonrpc".*$/gm)].map(([text]) => decodeFrame(text));
    expect(frames.length).toBeGreaterThan(30);
    for (const frame of frames) {
      expect(frame.kind).not.toBe('bad');
      if (frame.kind === 'notification' && frame.method.endsWith('.event')) {
        expect(isChatEvent(frame.params)).toBe(true);
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

/** What this reads of a machine's configuration. */
interface Config {
  always?: unknown;
  on?: Record<string, unknown>;
  after?: Record<string, unknown>;
  states?: Record<string, Config>;
}

const many = (value: unknown): unknown[] => (value === undefined ? [] : Array.isArray(value) ? value : [value]);

describe('README.md', () => {
  it.each(Object.keys(configSchema.shape))('has a row for --%s', (name) => {
    expect(readme).toMatch(new RegExp(`\\| \`--${name}(?: [A-Z]+)?\` \\| \`${variableOf(name)}\` \\|`));
  });

  it('shows an embedded broker that runs, and says what it prints', async () => {
    const source = snippet('embed');
    const promised = [...source.matchAll(/^console\.log\(.*\); \/\/ (.+)$/gm)].map(([, said]) => said);
    expect(promised).toHaveLength(2);
    expect((await run(source)).trim().split('\n')).toEqual(promised);
  });

  it('shows a broker that decides who connects, with clients inside its process, and says what they print', async () => {
    const printed = (await run(snippet('embed-inside'))).trim().split('\n');
    const [, promised = ''] = /^It prints (.*)\.$/m.exec(readme) ?? [];
    expect(printed).toHaveLength(4);
    expect([...promised.matchAll(/`([^`]+)`/g)].map(([, line]) => line)).toEqual(printed);
  });

  it.each(['host', 'resume'])('shows a host that runs: %s', async (name) => {
    const broker = createBroker();
    const { url } = await broker.listen({ port: 0 });
    const { token } = broker.upsertAgent({ id: 'echo' });
    const agent = await connectAgent({ url, token, agentId: 'echo', onChat: async ({ prompt }) => prompt });
    const env = { ...process.env, SWITCHBOARD_URL: url, SWITCHBOARD_AUTH_TOKEN: broker.tokens.daemon };
    try {
      expect(await run(snippet(name), env)).toBe('hello there');
    } finally {
      await agent.close();
      await broker.close();
    }
  });

  it('shows a tool that echo uses, and says what it prints', async () => {
    const broker = createBroker();
    const { url } = await broker.listen({ port: 0 });
    const { token = '' } = broker.upsertAgent({ id: 'echo' });
    const echo = await connectEcho({ url, token });
    const env = { ...process.env, SWITCHBOARD_URL: url, SWITCHBOARD_AUTH_TOKEN: broker.tokens.daemon };
    try {
      const [, promised] = /; \/\/ (Your add says.*)$/m.exec(snippet('tool')) ?? [];
      expect((await run(snippet('tool'), env)).trim()).toBe(promised);
    } finally {
      await echo.close();
      await broker.close();
    }
  });

  it('shows an agent that asks, and uses a tool', async () => {
    const broker = createBroker();
    const { url } = await broker.listen({ port: 0 });
    const { token } = broker.upsertAgent({ id: 'adder' });
    const host = await connectHost({ url, token: broker.tokens.daemon });
    const events = await host.subscribe();
    const parameters = z.object({ a: z.number(), b: z.number() });
    await host.tool('add', { parameters }, ({ a, b }) => ({ sum: a + b }));
    const stop = new AbortController();
    const env = { ...process.env, SWITCHBOARD_URL: url, SWITCHBOARD_AGENT_TOKEN: token };
    const program = run(snippet('tool-agent'), env, stop.signal).catch((error: unknown) => error);
    try {
      for await (const { kind } of events) if (kind === 'agent.attached') break;
      const answer = async (approved: boolean) => {
        const chat = host.chat('adder', 'go');
        let text = '';
        for await (const event of chat) {
          if (event.kind === 'approval_pending') await chat.approve(event.approval_id, approved);
          if (event.kind === 'token') text += event.delta;
        }
        return text;
      };
      expect([await answer(true), await answer(false)]).toEqual(['It is 42.', 'Then not.']);
    } finally {
      stop.abort();
      await program;
      await host.close();
      await broker.close();
    }
  });
});

/** Runs a snippet as a program of its own, in the package's directory, and gives what it prints. */
async function run(source: string, env = process.env, signal?: AbortSignal): Promise<string> {
  const argv = ['--input-type=module', '-e', source];
  const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: ROOT, env, signal, timeout: 15_000 });
  return stdout;
}

/** The code block after `<!-- snippet:NAME -->`. */
function snippet(name: string): string {
  const [, source] = new RegExp(`<!-- snippet:${name} -->\\s*\`\`\`js\\n([\\s\\S]*?)\`\`\``).exec(readme) ?? [];
  if (source === undefined) throw new Error(`the README has no snippet ${name}`);
  return source;
}
