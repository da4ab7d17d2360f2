import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { DIST, Program } from './support/program.ts';
import type { WireClient } from './support/wire-client.ts';

const NODE = process.execPath;
const PYTHON = findPython();
const EXAMPLES = [
  ['agent.ts', `${DIST}/examples/agent.js`, 'typed', NODE],
  ['agent-plain.js', resolve(DIST, '../examples/agent-plain.js'), 'plain', NODE],
  ['agent.py', resolve(DIST, '../examples/agent.py'), 'python', PYTHON],
] as const;

/** A Python that has `websockets`: Debian's own has the package's of Debian, whatever else is called python3 here. */
function findPython(): string | undefined {
  const names = process.env.PYTHON ? [process.env.PYTHON] : ['/usr/bin/python3', 'python3'];
  return names.find((name) => spawnSync(name, ['-c', 'import websockets']).status === 0);
}

it.runIf(process.env.CI)('Python and its websockets are there, where nothing may be skipped', () => {
  expect(PYTHON).toBeDefined();
});

let daemon: Daemon;
let host: WireClient;
beforeAll(async () => {
  daemon = await startDaemon();
  host = await daemon.host();
});

async function start(file: string, id: string, runtime: string | undefined): Promise<Program> {
  const env = { SWITCHBOARD_URL: daemon.url, SWITCHBOARD_AGENT_TOKEN: await daemon.register(id) };
  const program = new Program([file, id], env, undefined, { runtime });
  await program.shows(`${id}: ready`);
  return program;
}

describe.each(EXAMPLES)('examples/%s', (name, file, id, runtime) => {
  if (runtime === undefined) {
    it.skip('is not run here: there is no Python with websockets; .ci/run installs it', () => {});
    return;
  }

  it('attaches, and streams its answer word by word', async () => {
    await start(file, id, runtime);
    expect(await host.ok('agents.list')).toContainEqual(
      expect.objectContaining({ spec: expect.objectContaining({ id }), attached: true }),
    );
    const { turn_id } = await host.ok('agents.chat', { agent_id: id, prompt: 'hello there' });
    expect(await host.terminal(turn_id)).toMatchObject({ kind: 'done', finish_reason: 'stop', seq: 4 });
    const deltas = host.events(turn_id).map(({ delta }) => delta);
    expect(deltas).toEqual(['You said: ', 'hello ', 'there ', undefined]);
  });

  it('stops when it is cancelled, at once, and answers the next', async () => {
    const program = await start(file, id, runtime);
    const { turn_id, session_id } = await host.ok('agents.chat', { agent_id: id, prompt: 'word '.repeat(500) });
    await host.event(turn_id, ({ seq }) => seq === 3);
    await host.ok('agents.chat.cancel', { session_id });
    expect(await host.terminal(turn_id)).toMatchObject({ kind: 'done', finish_reason: 'cancelled', synthesized: true });
    // By the end of a whole other answer it would have streamed several words more of this one.
    const dropped = await drops();
    const next = await host.ok('agents.chat', { agent_id: id, prompt: 'one two three' });
    expect(await host.terminal(next.turn_id)).toMatchObject({ finish_reason: 'stop' });
    expect((await drops()) - dropped).toBeLessThanOrEqual(1);
    expect(program.err).toBe('');
  });

  it('reads a prompt of two megabytes, of which a library may have its doubts', async () => {
    await start(file, id, runtime);
    const prompt = 'x'.repeat(2 * 2 ** 20);
    const { turn_id } = await host.ok('agents.chat', { agent_id: id, prompt });
    expect(await host.terminal(turn_id)).toMatchObject({ kind: 'done', finish_reason: 'stop', seq: 3 });
  });

  it('runs two answers at a time, each to its own host', async () => {
    await start(file, id, runtime);
    const other = await daemon.host();
    const said = async (client: WireClient, prompt: string) => {
      const { turn_id } = await client.ok('agents.chat', { agent_id: id, prompt });
      await client.terminal(turn_id);
      return client
        .events(turn_id)
        .map(({ delta }) => delta ?? '')
        .join('');
    };
    expect(await Promise.all([said(host, 'a b'), said(other, 'c d')])).toEqual(['You said: a b ', 'You said: c d ']);
  });

  it('says so where its token is wrong, and ends', async () => {
    const env = { SWITCHBOARD_URL: daemon.url, SWITCHBOARD_AGENT_TOKEN: 'wrong' };
    const program = new Program([file, id], env, undefined, { runtime });
    await program.exit;
    expect(program.out + program.err).toContain('token mismatch');
    expect(program.out).not.toContain('ready');
  });

  it('is short enough to be copied', () => {
    const source = readFileSync(resolve(DIST, '../examples', name), 'utf8');
    if (name !== 'agent-plain.js') expect(source.trim().split('\n').length).toBeLessThanOrEqual(40);
    else expect(source.match(/^import .*$/gm)).toEqual(["import { WebSocket } from 'ws';"]);
  });
});

/** Events that the daemon dropped because their turn was over. */
async function drops(): Promise<number> {
  const { body } = await daemon.get('/metrics');
  return Number(/^switchboard_drops_total\{reason="unknown_session"\} (\d+)$/m.exec(body)?.[1] ?? 0);
}
