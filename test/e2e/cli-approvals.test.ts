import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory } from './support/cleanup.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { CLI, DIST, Program, run } from './support/program.ts';
import { requested, rowOf, subscribe } from './support/tools.ts';
import type { WireClient } from './support/wire-client.ts';

let daemon: Daemon;
let watcher: WireClient;
beforeAll(async () => {
  daemon = await startDaemon({ flags: ['--demo', '--approve', 'tools.execute:add'] });
  watcher = await daemon.manager();
  await subscribe(watcher);
});

const envOf = (of: Daemon) => ({ SWITCHBOARD_HOME: of.home, NO_COLOR: '1' });
const cli = (...argv: string[]) => run([CLI, ...argv], envOf(daemon));

/** A command that goes on by itself, with nobody at its stdin. */
function start(argv: string[], of = daemon): Program {
  const program = new Program(argv, envOf(of));
  program.child.stdin?.end();
  return program;
}
const chat = (...argv: string[]) => start([CLI, 'chat', 'echo', ...argv]);

/** `switchboard chat` while it waits for its approval; `what` is what it is about, of that test alone. */
async function waiting(what: string) {
  const program = chat(`/approve ${what}`);
  const { id } = await requested(watcher, ({ action }) => action === what);
  await program.shows(`switchboard approve ${id}`, 'err');
  return { program, id };
}

describe('a host built with the SDK hands an agent a tool', () => {
  it.each([
    ['approve', 'Your add says: {"sum":3}'],
    ['deny', 'I was not allowed to use add: it was denied.'],
  ])('a person says %s from another terminal, who has seen what it is about', async (command, words) => {
    const host = start([`${DIST}/examples/host-tool.js`, 'echo', '/tool add {"a": 1, "b": 2}']);
    await host.shows('[uses add]');
    const list = await cli('approvals', '--json');
    expect(list.code).toBe(0);
    const [row, ...more] = JSON.parse(list.out);
    expect(more).toEqual([]);
    expect(row).toMatchObject({ status: 'pending', agent_id: 'echo', details: { tool: 'add' } });
    expect((await cli('approvals')).out).toMatch(new RegExp(`${row.id} +pending +echo .*add\\({"a":1,"b":2}\\)\n`));
    expect(host.out).not.toContain('says');
    expect((await cli(command, row.id)).code).toBe(0);
    expect(await host.exit).toEqual({ code: 0, signal: null });
    expect(host.out).toContain(words);
    expect(host.err).toBe('');
    expect(await cli('approvals')).toMatchObject({ code: 0, out: '', err: 'nothing waits for an approval\n' });
  });
});

describe('switchboard chat', () => {
  it.each([
    ['approve', 'It was approved.', '[approved]'],
    ['deny', 'It was denied.', '[denied]'],
  ])('waits for an approval until another process says %s', async (command, words, told) => {
    const { program, id } = await waiting(`paint it ${command}`);
    const { code, err } = await cli(command, id);
    expect({ code, err }).toEqual({ code: 0, err: expect.stringContaining(`paint it ${command} of echo`) });
    expect(await program.exit).toEqual({ code: 0, signal: null });
    expect(program.out).toBe(`I ask before I go on.\n${words}\n`);
    expect(program.err).toContain(told);
  });

  it.each([
    ['--approve', 'It was approved.'],
    ['--deny', 'It was denied.'],
  ])('%s answers by itself', async (flag, words) => {
    const { code, out } = await cli('chat', flag, 'echo', '/approve this');
    expect({ code, out }).toEqual({ code: 0, out: `I ask before I go on.\n${words}\n` });
  });

  it('offers a clock, which /tool shows at work: a line on stderr, the answer on stdout', async () => {
    const { code, out, err } = await cli('chat', 'echo', '/tool clock {"time_zone": "UTC"}');
    expect(code).toBe(0);
    expect(out).toMatch(/^Your clock says: {"utc":"\d{4}-.*Z","local":".* UTC"}\n$/);
    expect(err).toMatch(/✓ clock\({"time_zone":"UTC"}\) → /);
  });

  it('tells the agent what is wrong with the arguments of a tool', async () => {
    const { code, out } = await cli('chat', 'echo', '/tool dice {"sides": "many"}');
    expect(code).toBe(0);
    expect(out).toMatch(/^Your dice did not work: .*\(-32602\)\n$/);
  });

  it('--no-tools offers none', async () => {
    const { code, out } = await cli('chat', 'echo', '--no-tools', '/tool');
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('You offer me no tools') });
  });

  it('/fail ends with 1', async () => {
    const { code, err } = await cli('chat', 'echo', '/fail');
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('this is how a failed turn looks') });
  });

  it('/slow streams on until Ctrl-C: 130', async () => {
    const program = chat('/slow');
    await program.shows('1 ');
    expect(await program.kill('SIGINT')).toEqual({ code: 130, signal: null });
    expect(program.out).not.toContain('10');
  });

  it('that is cancelled while it waits takes its approval along', async () => {
    const { program, id } = await waiting('never mind');
    expect(await program.kill('SIGINT')).toEqual({ code: 130, signal: null });
    const resolved = ({ method, params }: { method?: string; params?: { kind: string; payload: { id: string } } }) =>
      method === 'host.event' && params?.kind === 'approval.resolved' && params.payload.id === id;
    await watcher.when(() => watcher.frames.find(resolved));
    const { code, err } = await cli('approve', id);
    expect({ code, err }).toEqual({ code: 6, err: expect.stringContaining('withdrawn') });
  });
});

describe('switchboard approve and deny', () => {
  it('end with 6 what is decided already, and what is not there', async () => {
    const { id } = await watcher.ok('host.request_approval', { action: 'launch' });
    const denied = await cli('deny', id, '--json');
    expect(denied.code).toBe(0);
    expect(JSON.parse(denied.out)).toMatchObject({ id, status: 'denied' });
    const again = await cli('approve', id);
    expect(again).toMatchObject({
      code: 6,
      out: '',
      err: `switchboard: approval ${id} is not pending any more: denied\n`,
    });
    expect(await cli('approve', 'no-such')).toMatchObject({ code: 6, out: '' });
    expect(await rowOf(watcher, id)).toMatchObject({ status: 'denied' });
  });

  it('end with 4 when the daemon token may not, and the approval waits on', async () => {
    const { program, id } = await waiting('guard it');
    expect((await cli('approve', id, '--token', daemon.tokens.daemon)).code).toBe(4);
    expect((await cli('approve', id, '--host-token', 'bad')).code).toBe(4);
    expect(await rowOf(watcher, id)).toMatchObject({ status: 'pending' });
    expect((await cli('deny', id)).code).toBe(0);
    expect(await program.exit).toEqual({ code: 0, signal: null });
  });

  it.each(['approve', 'deny'])('%s: 2 without an id, 3 without a daemon', async (command) => {
    expect((await cli(command)).code).toBe(2);
    const env = { SWITCHBOARD_HOME: temporaryDirectory() };
    expect((await run([CLI, command, 'x'], env)).code).toBe(3);
  });
});

describe('switchboard watch', () => {
  it('--json prints each event as it is, without a gap, until Ctrl-C: 130', async () => {
    const program = start([CLI, 'watch', '--json']);
    await program.shows('watching switchboard', 'err');
    const client = await daemon.host();
    const event = await client.ok('host.notify', { kind: 'my.own', message: 'a\nb ☃', payload: { x: [null] } });
    expect((await cli('chat', '--approve', 'echo', '/approve watched')).code).toBe(0);
    const last = await client.ok('host.notify', { message: 'the last' });
    await program.shows(last.id);
    expect(await program.kill('SIGINT')).toEqual({ code: 130, signal: null });
    const events = program.lines.map((line) => JSON.parse(line));
    const first = events.findIndex(({ id }) => id === event.id);
    expect(events[first]).toEqual(event);
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, n) => events[0].sequence + n));
    const kinds = events.slice(first + 1).map(({ kind }) => kind);
    expect(kinds.filter((kind) => /^(chat|approval)/.test(kind))).toEqual([
      'chat.started',
      'approval.requested',
      'approval.resolved',
      'chat.ended',
    ]);
    expect(events.at(-1)).toEqual(last);
  });

  it('says how to answer what is asked, and ends with 1 when the daemon stops', async () => {
    const stopping = await startDaemon();
    const program = start([CLI, 'watch'], stopping);
    await program.shows('watching switchboard', 'err');
    const { id } = await (await stopping.host()).ok('host.request_approval', { action: 'launch' });
    await program.shows(`(switchboard approve ${id})`);
    await stopping.stop();
    expect(await program.exit).toEqual({ code: 1, signal: null });
    expect(program.err).toContain('connection lost (1001, broker stopping)');
  });
});
