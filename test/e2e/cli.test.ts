import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory } from './support/cleanup.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { CLI, Program, run } from './support/program.ts';
import type { WireClient } from './support/wire-client.ts';

let daemon: Daemon;
beforeAll(async () => {
  daemon = await startDaemon({ flags: ['--demo'] });
});

const env = () => ({ SWITCHBOARD_HOME: daemon.home });
/** The command as a process, its stdin closed or piped. */
const switchboard = (...argv: string[]) => run([CLI, ...argv], env());
const piped = (input: string, ...argv: string[]) => run([CLI, ...argv], env(), input);
const OK = { code: 0, signal: null, err: '' };

describe('switchboard chat', () => {
  it('prints the answer, and nothing else', async () => {
    expect(await switchboard('chat', 'echo', 'hello')).toEqual({ ...OK, out: 'hello\n' });
    expect(await switchboard('chat', 'echo', 'several', 'words  of', 'it')).toEqual({
      ...OK,
      out: 'several words  of it\n',
    });
  });

  it('--json prints the raw events, one a line', async () => {
    const { code, out } = await switchboard('chat', 'echo', 'one two', '--json', '--session', 's1');
    expect(code).toBe(0);
    const events = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const turn = { session_id: 's1', agent_id: 'echo', turn_id: expect.any(String) };
    expect(events).toEqual([
      { ...turn, seq: 1, kind: 'token', delta: 'one' },
      { ...turn, seq: 2, kind: 'token', delta: ' two' },
      { ...turn, seq: 3, kind: 'done', finish_reason: 'stop', text: 'one two' },
    ]);
  });

  it('reads its prompt from a pipe, with or without "-"', async () => {
    expect(await piped('from a pipe\n', 'chat', 'echo', '-')).toEqual({ ...OK, out: 'from a pipe\n' });
    expect(await piped('Zoë\nand more', 'chat', 'echo')).toEqual({ ...OK, out: 'Zoë\nand more\n' });
    expect(await piped('', 'chat', 'echo')).toMatchObject({ code: 2, out: '', err: expect.stringContaining('stdin') });
  });

  it('prints what comes as it comes', async () => {
    const agent = await daemon.agent('slow');
    const program = new Program([CLI, 'chat', 'slow', 'x'], env());
    const request = await agent.when(() => agent.received('agent.chat')[0]);
    agent.answer(request, { accepted: true });
    agent.emit(request.params.session_id, { kind: 'token', delta: 'half ' });
    await program.shows('half ');
    agent.emit(request.params.session_id, { kind: 'token', delta: 'whole' });
    agent.emit(request.params.session_id, { kind: 'done', finish_reason: 'stop' });
    expect(await program.exit).toEqual({ code: 0, signal: null });
    expect(program.out).toBe('half whole\n');
  });
});

describe('switchboard, when something is wrong, says it in plain words', () => {
  const rows: [what: string, argv: string[], code: number, words: string][] = [
    ['an unknown command', ['talk'], 2, "unknown command 'talk'"],
    ['an unknown flag', ['chat', 'echo', 'x', '--loud'], 2, "unknown option '--loud'"],
    ['no agent named', ['chat'], 2, "missing required argument 'agent'"],
    ['a context that is none', ['chat', 'echo', 'x', '--context', '[]'], 2, 'JSON object'],
    ['a URL that is none', ['chat', 'echo', 'x', '--url', 'nowhere'], 2, '--url takes ws:'],
    ['no daemon there', ['chat', 'echo', 'x', '--url', 'ws://127.0.0.1:1'], 3, 'no daemon is running at'],
    ['no daemon in that home', ['agents', '--home', '/nonexistent'], 3, 'no daemon is running for /nonexistent'],
    ['a wrong token', ['chat', 'echo', 'x', '--token', 'no'], 4, 'refused the token that --token gave'],
    [
      'a wrong host token',
      ['agents', 'add', 'x', '--host-token', 'no'],
      4,
      'refused the host token that --host-token gave',
    ],
    ['no such agent', ['chat', 'nobody', 'x'], 5, 'there is no agent nobody; attached: echo'],
    ['nothing to remove', ['agents', 'remove', 'nobody'], 5, 'there is no agent nobody'],
    ['an id of other characters', ['agents', 'add', 'a b'], 1, 'invalid params: id'],
  ];
  it.each(rows)('%s', async (_, argv, code, words) => {
    const result = await switchboard(...argv);
    expect(result).toMatchObject({ code, out: '' });
    expect(result.err).toContain(words);
    expect(result.err).not.toMatch(/^\s+at /m);
  });

  it('a daemon that has died since', async () => {
    const dead = await startDaemon();
    await dead.program.kill('SIGKILL');
    const { code, err } = await run([CLI, 'chat', 'echo', 'x'], { SWITCHBOARD_HOME: dead.home });
    expect({ code, err }).toEqual({ code: 3, err: expect.stringContaining('no daemon is running') });
  });

  it('an agent that fails: 1', async () => {
    const agent = await daemon.agent('failing');
    const result = switchboard('chat', 'failing', 'x');
    const request = await agent.when(() => agent.received('agent.chat')[0]);
    agent.answer(request, { accepted: true });
    agent.emit(request.params.session_id, { kind: 'error', error: 'no \u001b[31mpaper' });
    expect(await result).toMatchObject({ code: 1, out: '', err: expect.stringContaining('the agent failed: no') });
    expect((await result).err).not.toContain('\u001b');
  });
});

describe('switchboard agents', () => {
  it('adds, shows the token once, lists, rotates and removes', async () => {
    const added = await switchboard('agents', 'add', 'mine', '--name', 'My agent', '--capability', 'a', 'b');
    expect(added).toMatchObject({ code: 0, out: expect.stringMatching(/^[\w-]{43}\n$/) });
    const token = added.out.trim();
    expect(readFileSync(join(daemon.home, 'agents.json'), 'utf8')).not.toContain(token);
    const agent = await daemon.connect();
    expect(await agent.ok('session.auth', { token, agent_id: 'mine' })).toMatchObject({ agent_id: 'mine' });

    const listed = await switchboard('agents');
    expect(listed).toMatchObject(OK);
    expect(listed.out).toMatch(/^mine +My agent +yes +0 +a, b$/m);
    expect(listed.out).toMatch(/^echo +Echo +yes +0 *$/m);
    const json = JSON.parse((await switchboard('agents', 'list', '--json')).out);
    expect(json).toContainEqual(
      expect.objectContaining({ attached: true, spec: expect.objectContaining({ id: 'mine' }) }),
    );

    expect(await switchboard('agents', 'add', 'mine')).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('--rotate'),
    });
    const rotated = await switchboard('agents', 'add', 'mine', '--rotate');
    expect(rotated.out.trim()).toMatch(/^[\w-]{43}$/);
    expect(rotated.out).not.toBe(added.out);

    expect(await switchboard('agents', 'remove', 'mine')).toMatchObject({ code: 0, out: '' });
    expect((await agent.closed).code).toBe(4403);
    expect((await switchboard('agents')).out).not.toContain('mine');
  });
});

describe('Ctrl-C', () => {
  /** A turn that has said something and goes on until it is cancelled. */
  async function running(id: string): Promise<{ program: Program; agent: WireClient; turnId: string }> {
    const agent = await daemon.agent(id);
    const program = new Program([CLI, 'chat', id, 'x'], env());
    const request = await agent.when(() => agent.received('agent.chat')[0]);
    agent.answer(request, { accepted: true });
    agent.emit(request.params.session_id, { kind: 'token', delta: 'so far' });
    await program.shows('so far');
    return { program, agent, turnId: request.params.turn_id };
  }

  it('cancels a running turn: 130, and the agent is told', async () => {
    const { program, agent, turnId } = await running('endless');
    expect(await program.kill('SIGINT')).toEqual({ code: 130, signal: null });
    expect(program.out).toBe('so far\n');
    expect(program.err).toContain('cancelled');
    await agent.when(() => agent.cancels(turnId)[0]);
    expect(agent.cancels(turnId)).toEqual(['host_cancelled']);
  });

  it('twice leaves at once, even a daemon that answers nothing any more', async () => {
    const { program } = await running('stopped');
    daemon.program.child.kill('SIGSTOP');
    try {
      program.child.kill('SIGINT');
      await program.shows('Ctrl-C again leaves', 'err');
      expect(await program.kill('SIGINT')).toEqual({ code: 130, signal: null });
    } finally {
      daemon.program.child.kill('SIGCONT');
    }
  });
});

describe('switchboard serve', () => {
  it('is the daemon, with its flags, its signals and its exit codes', async () => {
    const home = temporaryDirectory();
    const program = new Program([CLI, 'serve', '--port', '0', '--no-socket', '--demo', '--home', home]);
    await program.shows('"try: ');
    const chat = await run([CLI, 'chat', 'echo', 'served', '--home', home]);
    expect(chat).toEqual({ ...OK, out: 'served\n' });
    expect(await program.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(await switchboard('serve', '--port', 'x')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--port takes'),
    });
    expect(await switchboard('serve', '--help')).toMatchObject({
      ...OK,
      out: expect.stringContaining('--drain-timeout MS'),
    });
  });
});
