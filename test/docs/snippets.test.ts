import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { createBroker } from '../../broker.ts';
import { run as runCli } from '../../cli/program.ts';
import { connectAgent, connectHost } from '../../client/node.ts';
import { configSchema } from '../../daemon/config.ts';
import { connectEcho } from '../../daemon/echo.ts';
import { ROOT } from '../../docs/render.ts';
import { own } from '../e2e/support/cleanup.ts';
import { CLI, Program, run } from '../e2e/support/program.ts';
import { jwtScene } from './jwt-scene.ts';
import { BLOCKS, PAGES, page, projectDirectory, promised, runSnippet, snippet } from './support.ts';
import { tlsAgentRun } from './tls-agent-run.ts';
import { tracingRuns } from './tracing-runs.ts';

/** Languages whose blocks are programs. The others are shell, what a program prints, frames and drawings. */
const PROGRAMS = new Set(['js', 'ts', 'tsx', 'jsx', 'mjs', 'html', 'py', 'python', 'javascript', 'typescript']);

/** A broker to run snippets against, with echo, and what tells them where it is. */
async function scene() {
  const broker = createBroker();
  own(() => broker.close());
  const { url } = await broker.listen({ port: 0 });
  const token = (id: string, ...capabilities: string[]) => broker.upsertAgent({ id, capabilities }).token ?? '';
  const echo = await connectEcho({ url, token: token('echo') });
  own(() => echo.close());
  const env = { SWITCHBOARD_URL: url, SWITCHBOARD_AUTH_TOKEN: broker.tokens.daemon };
  return { broker, url, env, token };
}

/** How each snippet is run, by its name: it fails where that does not do what its page says. */
const RUNS: Readonly<Record<string, () => Promise<void>>> = {
  async embed() {
    expect(promised('embed')).toHaveLength(2);
    expect(await runSnippet('embed')).toEqual(promised('embed'));
  },

  async 'jwt-host'() {
    expect(await runSnippet('jwt-host', { env: await jwtScene() })).toEqual(['connected as ada', 'good morning']);
  },

  'tls-agent': tlsAgentRun,

  async 'embed-inside'() {
    const printed = await runSnippet('embed-inside');
    const [, said = ''] = /^It prints (.*)\.$/m.exec(page('docs/embedding.md')) ?? [];
    expect(printed).toHaveLength(4);
    expect([...said.matchAll(/`([^`]+)`/g)].map(([, line]) => line)).toEqual(printed);
  },

  async host() {
    const { env } = await scene();
    expect(await runSnippet('host', { env })).toEqual(['hello there']);
  },

  async resume() {
    const { env } = await scene();
    expect(await runSnippet('resume', { env })).toEqual(['hello there']);
  },

  async tool() {
    const { env } = await scene();
    expect(promised('tool')).toHaveLength(1);
    expect(await runSnippet('tool', { env })).toEqual(promised('tool'));
  },

  async 'tool-agent'() {
    const { broker, url, token } = await scene();
    const host = await connectHost({ url, token: broker.tokens.daemon });
    own(() => host.close());
    const events = await host.subscribe();
    const parameters = z.object({ a: z.number(), b: z.number() });
    await host.tool('add', { parameters }, ({ a, b }) => ({ sum: a + b }));
    const stop = new AbortController();
    const env = { SWITCHBOARD_URL: url, SWITCHBOARD_AGENT_TOKEN: token('adder') };
    const program = runSnippet('tool-agent', { env, signal: stop.signal }).catch((error: unknown) => error);
    own(async () => {
      stop.abort();
      await program;
    });
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
  },

  async mcp() {
    const printed = await runSnippet('mcp', { env: (await scene()).env, cwd: join(ROOT, 'test/support') });
    expect(printed.join(' ')).toMatch(/^toolbox .*image\/png/);
  },

  async memory() {
    const { env, token } = await scene();
    expect(promised('memory')).toHaveLength(1);
    const printed = await runSnippet('memory', { env: { ...env, SWITCHBOARD_AGENT_TOKEN: token('my-agent') } });
    expect(printed).toEqual(promised('memory'));
  },

  async 'web-server'() {
    const stop = new AbortController();
    let tellPort: (port: string) => void = () => {};
    const listening = new Promise<string>((resolve) => {
      tellPort = resolve;
    });
    const onLine = (line: string) => tellPort(/^listening on (\d+)$/.exec(line)?.[1] ?? '');
    const program = runSnippet('web-server', { env: { PORT: '0' }, signal: stop.signal, onLine }).catch(() => {});
    own(async () => {
      stop.abort();
      await program;
    });
    const address = `127.0.0.1:${await listening}`;
    const cookie = 'session=s3cr3t-of-ada';
    expect(await (await fetch(`http://${address}`, { headers: { cookie } })).text()).toBe('Hello, Ada\n');
    const signIn = async (headers: Record<string, string>) => {
      const socket = new WebSocket(`ws://${address}`, { headers });
      own(() => socket.terminate());
      await once(socket, 'open');
      const ask = async (message: object) => {
        socket.send(JSON.stringify({ jsonrpc: '2.0', ...message }));
        const [answer] = await once(socket, 'message');
        return JSON.parse(String(answer)) as Record<string, unknown>;
      };
      return { ask, auth: await ask({ id: 1, method: 'session.auth', params: { token: '' } }) };
    };
    const ada = await signIn({ cookie });
    expect(ada.auth).toHaveProperty('result.ok', true);
    const chat = { agent_id: 'echo', prompt: 'hi' };
    expect(await ada.ask({ id: 2, method: 'agents.chat', params: chat })).toHaveProperty('result.accepted', true);
    // What is Ada's is there in her other window, and not in Bob's.
    const started = async (cookie: string) => {
      const { ask } = await signIn({ cookie });
      const { result } = (await ask({ id: 2, method: 'host.events' })) as { result: { events: { kind: string }[] } };
      return result.events.filter(({ kind }) => kind === 'chat.started').length;
    };
    expect([await started(cookie), await started('session=s3cr3t-of-bob')]).toEqual([1, 0]);
    for (const headers of [{}, { cookie: 'session=guessed' }]) {
      expect((await signIn(headers)).auth).toHaveProperty('error.code', -32603);
    }
  },

  async speak() {
    const { url, env, token } = await scene();
    const said: string[] = [];
    const speaker = await connectAgent({
      url,
      agentId: 'speaker',
      token: token('speaker', 'voice.speak'),
      onChat: async () => '',
      async *onSpeak({ text }) {
        said.push(text);
        yield { format: 'wav', audio: Buffer.from('RIFF') };
        yield { format: 'wav', audio: Buffer.from('…the rest') };
      },
    });
    own(() => speaker.close());
    const cwd = projectDirectory();
    await runSnippet('speak', { env, cwd });
    expect(said).toEqual(['good morning']);
    expect(readFileSync(join(cwd, 'morning.wav'), 'utf8')).toBe('RIFF…the rest');
  },

  async transcribe() {
    const { url, env, token } = await scene();
    const transcriber = await connectAgent({
      url,
      agentId: 'transcriber',
      token: token('transcriber', 'voice.transcribe'),
      onChat: async () => '',
      async *onTranscribe({ audio, sampleRate }) {
        let bytes = 0;
        for await (const piece of audio) bytes += piece.length;
        yield { type: 'partial', text: 'not yet' };
        yield { type: 'final', text: `${bytes} bytes at ${sampleRate}` };
      },
    });
    own(() => transcriber.close());
    expect(await runSnippet('transcribe', { env, input: new Uint8Array(200_000) })).toEqual(['200000 bytes at 16000']);
  },

  async audit() {
    const [, said] = /It prints `([^`]+)`\./.exec(page('docs/audit.md')) ?? [];
    const cwd = projectDirectory();
    expect(await runSnippet('audit', { cwd })).toEqual([said]);
    const files = ['audit.jsonl', '--key-file', 'audit.key'].map((name) =>
      name.startsWith('-') ? name : join(cwd, name),
    );
    const verified = await run([CLI, 'audit', 'verify', ...files]);
    expect(verified).toMatchObject({ code: 0, out: 'ok: 6 records, 1 to 6\n', err: '' });
  },

  ...tracingRuns(scene),

  async surface() {
    const { env } = await scene();
    const [, secret = ''] = /^A2A_TOKEN=(\S+) node examples\/a2a-agent\.js/m.exec(page('docs/surfaces.md')) ?? [];
    const agent = new Program([join(ROOT, 'examples/a2a-agent.js'), '0'], { A2A_TOKEN: secret });
    await agent.shows('listening on ');
    const [, endpoint] = /listening on (\S+)/.exec(agent.out) ?? [];
    const printed = await runSnippet('surface', { env: { ...env, A2A_URL: endpoint } });
    expect(promised('surface')).toHaveLength(2);
    expect(printed.slice(0, 2)).toEqual(promised('surface'));
    expect(printed.slice(2)).toContain('a2ui.surface_updated');
    expect(printed.at(-1)).toBe('a2ui.action');
    expect(agent.err).toBe('');
  },
};

describe('the programs that the pages show', () => {
  it('are each run by a test, or an example that is one', () => {
    const programs = BLOCKS.filter(({ language }) => PROGRAMS.has(language));
    const untested = programs.filter(({ name, example }) => !example && !(name && Object.hasOwn(RUNS, name)));
    expect(untested.map(({ path, source }) => `${path}: ${source.slice(0, 80)}`)).toEqual([]);
    expect(programs.map(({ name }) => name).filter(Boolean)).toHaveLength(Object.keys(RUNS).length);
    for (const { example } of programs) if (example) expect(existsSync(join(ROOT, 'examples', example))).toBe(true);
  });

  it.each(Object.entries(RUNS))('%s › does what its page says', (_name, run) => run());

  it.each(BLOCKS.filter(({ language }) => language === 'json'))('$path › shows JSON that is some', ({ source }) => {
    expect(() => JSON.parse(source)).not.toThrow();
  });
});

/** The commands that a page has people type, one a line. */
const COMMANDS = BLOCKS.flatMap(({ path, language, source }) => {
  const lines = source.replaceAll('\\\n', ' ').split('\n');
  if (language === 'sh' || language === 'bash') return lines.map((line) => ({ path, line }));
  if (language !== 'console') return [];
  return lines.filter((line) => line.startsWith('$ ')).map((line) => ({ path, line: line.slice(2) }));
}).filter(({ line }) => line.trim() !== '' && !line.startsWith('#'));

/** Commands inside a sentence count too. */
const SENTENCES = PAGES.flatMap((path) =>
  [...page(path).matchAll(/`((?:npx switchboard|npm start --|npm run|node dist|npx vite) [^`]+)`/g)].map(
    ([, line = '']) => ({ path, line }),
  ),
);
const TYPED = [...COMMANDS, ...SENTENCES];

/** Those that have this in them, with what the groups of it caught. */
function typed(pattern: RegExp): { path: string; line: string; groups: string[] }[] {
  return TYPED.flatMap(({ path, line }) =>
    [...line.matchAll(pattern)].map(([, ...groups]) => ({ path, line, groups: groups.map((group) => group ?? '') })),
  );
}

/** What `--help` says of a command. */
async function help(...words: string[]): Promise<string> {
  let out = '';
  const stdout = { write: (text: string) => (out += text) };
  const io = { stdout, stderr: stdout } as unknown as Parameters<typeof runCli>[1];
  expect(await runCli([...words, '--help'], io), words.join(' ')).toBe(0);
  return out;
}

describe('the commands that the pages show', () => {
  it('are shell', () => {
    for (const { path, source, language } of BLOCKS) {
      if (language !== 'sh' && language !== 'bash') continue;
      expect(() => execFileSync('bash', ['-n'], { input: source }), `${path}: ${source}`).not.toThrow();
    }
  });

  it('name commands of switchboard, and flags that they have', async () => {
    const found = typed(/\bnpx switchboard ([a-z]+)((?: [^|;&)#`]+)?)/g);
    expect(found.length).toBeGreaterThan(20);
    for (const { path, line, groups } of found) {
      const [command = '', rest = ''] = groups;
      // Its flags are the daemon's, of which more below.
      if (command === 'serve') continue;
      // What comes after `--` is another program's.
      const words = (rest.replaceAll(/"[^"]*"/g, '').split(' -- ')[0] ?? '').split(' ');
      const [first = '-'] = words.filter((word) => /^[a-z]/.test(word));
      const [, commands = ''] = (await help(command)).split('\nCommands:');
      const subcommand = commands.match(new RegExp(`^ {2}${first} `, 'm')) ? [first] : [];
      const known = await help(command, ...subcommand);
      for (const flag of words.filter((word) => /^--?[a-z]/.test(word))) {
        expect(known, `${path}: ${line}`).toMatch(new RegExp(`(^|[ ,])${flag}\\b`, 'm'));
      }
    }
  });

  it('give the daemon flags that it has', () => {
    const flags = typed(/\b(?:npm start --|switchboard serve|node dist\/main\.js) (.*)/g).flatMap(
      ({ path, line, groups: [rest = ''] }) =>
        [...rest.matchAll(/--([a-z][a-z-]*)/g)].map(([, flag = '']) => ({ path, line, flag })),
    );
    expect(flags.length).toBeGreaterThan(5);
    for (const { path, line, flag } of flags) {
      expect([...Object.keys(configSchema.shape), 'config'], `${path}: ${line}`).toContain(flag);
    }
  });

  it('run scripts and examples that are there', () => {
    const { scripts } = JSON.parse(page('package.json')) as { scripts: Record<string, string> };
    for (const { path, line, groups } of typed(/\bnpm run (?:--silent )?([a-z:]+)/g)) {
      expect(Object.keys(scripts), `${path}: ${line}`).toContain(groups[0]);
    }
    const files = typed(/\b(?:node|python3) (?:dist\/)?(examples\/[\w-]+)\.(js|py)\b/g);
    expect(files.length).toBeGreaterThan(4);
    for (const { path, line, groups } of files) {
      const [name = '', ending = ''] = groups;
      const isThere = [ending, ...(line.includes('dist/') ? ['ts'] : [])].some((one) =>
        existsSync(join(ROOT, `${name}.${one}`)),
      );
      expect(isThere, `${path}: ${line}`).toBe(true);
    }
    for (const { path, line, groups } of typed(/\bnpx vite (?:build )?(examples\/[\w-]+)/g)) {
      expect(existsSync(join(ROOT, groups[0] ?? '', 'index.html')), `${path}: ${line}`).toBe(true);
    }
  });
});

describe('README.md', () => {
  it('can be read in a few minutes: it has less than 9 kB', () => {
    expect(Buffer.byteLength(page('README.md'))).toBeLessThan(9_000);
  });

  it('leads to every other page', () => {
    const linked = [...page('README.md').matchAll(/\]\((docs\/[\w.-]+\.md)/g)].map(([, path]) => path);
    expect(PAGES.filter((path) => path.startsWith('docs/') && !linked.includes(path))).toEqual([]);
  });

  it('shows a tool whose answer it tells', () => {
    expect(snippet('tool')).toContain('// Your add says: {"sum":3}');
  });
});
