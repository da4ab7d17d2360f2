import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { openChat } from './support/chat.ts';
import { temporaryDirectory } from './support/cleanup.ts';
import { Daemon, startDaemon } from './support/daemon.ts';
import { MAIN, Program } from './support/program.ts';
import type { Message, WireClient } from './support/wire-client.ts';

/*
 * The daemon is killed with SIGKILL, and started again on its home and port: rows of the table of faults in docs/reliability.md.
 * With the SDK, and over and over, in test/proof/restart.test.ts.
 */

/** A host, an agent of that name that numbers its events unless told otherwise, and a turn of theirs that says `a`, `b`. */
async function openTurn(first: Daemon, id: string, { resume = true }: { resume?: boolean } = {}) {
  const token = await first.register(id);
  const attach = async (daemon: Daemon): Promise<WireClient> => {
    const agent = await daemon.connect();
    await agent.ok('session.auth', { agent_id: id, token, resume });
    return agent;
  };
  const [host, agent] = [await first.host(), await attach(first)];
  const chat = { agent_id: id, session_id: `s-${id}`, resume_window_ms: 60_000, resume_token: id.padEnd(40, 'r') };
  const { session_id, resume_token } = chat;
  const { turnId, emit } = await openChat(host, agent, chat);
  const say = (n: number, event: object) => emit({ ...event, ...(resume ? { aseq: n } : {}) });
  say(1, { kind: 'token', delta: 'a' });
  say(2, { kind: 'token', delta: 'b' });
  await host.when(() => (host.events(turnId).length === 2 ? true : undefined));
  // An ack says that it is written; who gets none waits for a round trip.
  if (resume) await agent.when(() => agent.received('agent.chat.ack').find(({ params }) => params.acks[0][1] === 2));
  else await agent.settled();
  return {
    host,
    agent,
    turnId,
    say,
    attach,
    chat,
    session_id,
    named: [{ turn_id: turnId, session_id }],
    claim: (after = 2) => ({ session_id, resume_token, after }),
  };
}

/** The same on a daemon of its own, with its next life. */
async function start({ flags = [] }: { flags?: string[] } = {}) {
  const home = temporaryDirectory();
  const first = await startDaemon({ home, flags, mayFail: true });
  return { home, first, again: () => killed(first, flags), ...(await openTurn(first, 'echo')) };
}

/** Kills it, and starts it again on its home and port. */
async function killed(first: Daemon, flags: string[] = []): Promise<Daemon> {
  await first.program.kill('SIGKILL');
  const argv = [MAIN, '--port', new URL(first.url).port, '--no-socket', ...flags];
  const program = new Program(argv, { SWITCHBOARD_HOME: first.home });
  await program.shows('"try: ');
  return new Daemon(program, first.home);
}

/** The events of the turn, in short. */
const heard = (host: WireClient, turnId: string): string[] =>
  host.events(turnId).map(({ seq, kind, delta, code, finish_reason }: Message) => {
    return [seq, kind, delta ?? code ?? finish_reason].filter((part) => part !== undefined).join(' ');
  });

const ended = (host: WireClient, turnId: string) =>
  host.when(() => host.events(turnId).find(({ kind }) => kind === 'done' || kind === 'error'));
/** What comes after the next start of a daemon, of something that was under way before. */
type After = (next: Daemon) => Promise<void>;

async function cancelled(first: Daemon, id: string): Promise<After> {
  const { host, turnId, session_id, attach, named, claim } = await openTurn(first, id);
  await host.ok('agents.chat.cancel', { session_id });
  expect(await ended(host, turnId)).toMatchObject({ seq: 3, synthesized: true });
  await host.settled();
  return async (next) => {
    const back = await next.host();
    expect(await back.ok('agents.chat.subscribe', claim())).toMatchObject({ status: 'cancelled', head: 3 });
    await back.settled();
    expect(heard(back, turnId)).toEqual(['3 done cancelled']);
    const agent = await attach(next);
    expect((await agent.ok('agent.resume', { turns: named })).turns).toMatchObject([{ status: 'ended' }]);
  };
}

/** All of these are under way when one daemon is killed: each has a host and an agent of its own. */
const SCENES: [what: string, before: (first: Daemon, id: string) => Promise<After>][] = [
  [
    'a turn › when both come back › then it goes on where it was, and the handshake tells another life',
    async (first, id) => {
      const { host, turnId, session_id, attach, named, claim } = await openTurn(first, id);
      const before = await host.ok('server.handshake', { protocol_version: 3 });
      expect(before).toMatchObject({ durable: 'process' });
      return async (next) => {
        const back = await next.host();
        const after = await back.ok('server.handshake', { protocol_version: 3 });
        expect(after.epoch).not.toBe(before.epoch);
        expect(await back.ok('agents.chat.subscribe', claim())).toMatchObject({
          ...{ status: 'recovering', head: 2, recovered: true, epoch: after.epoch },
        });
        const agent = await attach(next);
        const { turns } = await agent.ok('agent.resume', { turns: named });
        expect(turns).toMatchObject([{ status: 'resumed', after: 2 }]);
        agent.emit(session_id, { turn_id: turnId, aseq: 3, kind: 'done', finish_reason: 'stop' });
        await ended(back, turnId);
        expect(heard(back, turnId)).toEqual(['agent_away', 'agent_back', '3 done stop']);
      };
    },
  ],
  [
    'a cancel in its grace › then the agent hears of it again, and ends the turn itself',
    async (first, id) => {
      const { host, turnId, session_id, attach, named, claim } = await openTurn(first, id);
      await host.ok('agents.chat.cancel', { session_id, grace_ms: 30_000 });
      await host.settled();
      return async (next) => {
        const agent = await attach(next);
        const { turns } = await agent.ok('agent.resume', { turns: named });
        expect(turns[0].cancel).toMatchObject({ reason: 'host_cancelled' });
        const back = await next.host();
        expect(await back.ok('agents.chat.subscribe', claim())).toMatchObject({ status: 'cancelling' });
        agent.emit(session_id, { turn_id: turnId, aseq: 3, kind: 'done', finish_reason: 'cancelled' });
        expect(await ended(back, turnId)).toMatchObject({ seq: 3, finish_reason: 'cancelled' });
      };
    },
  ],
  ['a terminal that the broker has made, at level process › then it is there still, once', cancelled],
  [
    'a turn of an agent that does not number its events › then its host gets what was kept, and that its agent is gone',
    async (first, id) => {
      const { turnId, claim } = await openTurn(first, id, { resume: false });
      return async (next) => {
        const back = await next.host();
        expect(await back.ok('agents.chat.subscribe', claim(0))).toMatchObject({ status: 'failed', head: 3 });
        await ended(back, turnId);
        expect(heard(back, turnId)).toEqual(['1 token a', '2 token b', '3 error agent_disconnected']);
      };
    },
  ],
  [
    'an approval that waits › then it is asked for again, and has one answer',
    async (first, id) => {
      const { host, turnId, session_id, say, attach, named, claim } = await openTurn(first, id);
      say(3, { kind: 'approval_pending', approval_id: 'p', tool: 'rm', params: { path: '/' } });
      await host.when(() => (host.events(turnId).length === 3 ? true : undefined));
      await host.settled();
      return async (next) => {
        const back = await next.host();
        const { pending_approvals } = await back.ok('agents.chat.subscribe', claim(3));
        expect(pending_approvals).toMatchObject([{ approval_id: 'p', params: { path: '/' } }]);
        const agent = await attach(next);
        await agent.ok('agent.resume', { turns: [{ ...named[0], pending_approvals: ['p'] }] });
        const decided = back.post('agents.chat.approve', { session_id, approval_id: 'p', decision: true });
        const asked = await agent.when(() => agent.received('agent.chat.approve')[0]);
        agent.answer(asked, { resolved: true });
        expect((await back.replyTo(decided)).result).toMatchObject({ resolved: true });
        const again = await back.call('agents.chat.approve', { session_id, approval_id: 'p', decision: false });
        expect(again.error.code).toBe(-32016);
        expect(agent.received('agent.chat.approve')).toHaveLength(1);
      };
    },
  ],
  [
    'a tool call that the host runs › then the host is asked by the same action_id, and the agent has its answer',
    async (first, id) => {
      const { host, agent, session_id, attach, named, claim } = await openTurn(first, id);
      await host.ok('tools.register', [{ name: 'clock' }]);
      const call = { session_id, tool: 'clock', parameters: {}, action_id: 'a1' };
      agent.post('tools.execute', call);
      await host.when(() => host.received('tools.execute')[0]);
      return async (next) => {
        const agentBack = await attach(next);
        await agentBack.ok('agent.resume', { turns: named });
        const asked = agentBack.post('tools.execute', { ...call, attempt: 2 });
        const back = await next.host();
        await back.ok('tools.register', [{ name: 'clock' }]);
        await back.ok('agents.chat.subscribe', claim());
        const request = await back.when(() => back.received('tools.execute')[0]);
        expect(request.params).toMatchObject({ action_id: 'a1', attempt: 2 });
        back.answer(request, { now: 1 });
        expect((await agentBack.replyTo(asked)).result).toEqual({ now: 1 });
      };
    },
  ],
  [
    'opening, before the agent has accepted › then the agent hears that nobody knows the turn, and the same again opens one',
    async (first, id) => {
      const { host, agent, attach, chat } = await openTurn(first, id);
      const another = { ...chat, session_id: `n-${id}`, resume_token: 'n'.repeat(40) };
      host.post('agents.chat', { ...another, prompt: 'hi' });
      const isIt = ({ params }: Message) => params.session_id === another.session_id;
      const asked = await agent.when(() => agent.received('agent.chat').find(isIt));
      return async (next) => {
        const agentBack = await attach(next);
        const { turns } = await agentBack.ok('agent.resume', {
          turns: [{ turn_id: asked.params.turn_id, session_id: another.session_id }],
        });
        expect(turns).toMatchObject([{ status: 'unknown' }]);
        const { turnId } = await openChat(await next.host(), agentBack, another);
        expect(turnId).not.toBe(asked.params.turn_id);
      };
    },
  ],
  [
    'opening, after it › then the same again is the same turn',
    async (first, id) => {
      const { turnId, chat } = await openTurn(first, id);
      return async (next) => {
        const back = await next.host();
        const same = await back.ok('agents.chat', { ...chat, prompt: 'hi' });
        expect(same).toMatchObject({ resumed: true, turn_id: turnId, head: 2 });
      };
    },
  ],
];

describe('a daemon that is killed in the middle of all this, and started again', () => {
  let first: Daemon;
  let next: Daemon;
  const afters: After[] = [];
  beforeAll(async () => {
    first = await startDaemon({ mayFail: true });
    for (const [n, [, before]] of SCENES.entries()) afters.push(await before(first, `agent${n}`));
    next = await killed(first);
  });

  test.each(SCENES.map(([what], n) => [what, n] as const))('%s', async (_what, n) => afters[n]?.(next));

  test('counts the turns that were live, and has met no fault', async () => {
    const restored = /^switchboard_turns_restored_total (\d+)$/m.exec((await next.get('/metrics')).body)?.[1];
    // One of them had ended.
    expect(Number(restored)).toBe(SCENES.length - 1);
    expect([first.errors, next.errors]).toEqual([[], []]);
  });
});

test('a turn › when its agent never comes back › then it ends with the window', async () => {
  const { turnId, again, claim } = await start({ flags: ['--agent-window', '500'] });
  const next = await again();
  const back = await next.host();
  await back.ok('agents.chat.subscribe', claim());
  expect(await ended(back, turnId)).toMatchObject({ seq: 3, code: 'agent_disconnected', synthesized: true });
});

test('a terminal that the broker has made, at level disk › when the daemon is killed › then it is there still, once', async () => {
  const flags = ['--durable', 'disk'];
  const first = await startDaemon({ flags, mayFail: true });
  const after = await cancelled(first, 'echo');
  await after(await killed(first, flags));
});

test('a disk that takes no more › then streams go on, nothing is acknowledged, new chats with a window are refused; with room again all is kept', async () => {
  const { first, host, agent, turnId, say, again, claim } = await start();
  // As little as a full disk does a file that may grow no more take.
  const mayWrite = (bytes: string) =>
    execFileSync('prlimit', ['--pid', `${first.program.child.pid}`, `--fsize=${bytes}:unlimited`]);
  const degraded = async () => /^switchboard_journal_degraded (\d)$/m.exec((await first.get('/metrics')).body)?.[1];
  const acked = () => agent.received('agent.chat.ack').map(({ params }) => params.acks[0][1]);
  mayWrite('0');
  say(3, { kind: 'token', delta: 'c' });
  await expect.poll(degraded).toBe('1');
  say(4, { kind: 'token', delta: 'd' });
  await host.when(() => (host.events(turnId).length === 4 ? true : undefined));
  const chat = { agent_id: 'echo', prompt: 'hi', session_id: 'n', resume_window_ms: 60_000 };
  const { error } = await host.call('agents.chat', chat);
  expect(error).toMatchObject({ code: -32020, data: { limit: { name: 'journal_bytes' } } });
  expect(acked()).not.toContain(4);
  mayWrite('unlimited');
  await agent.when(() => (acked().includes(4) ? true : undefined));
  await expect.poll(degraded).toBe('0');
  const back = await (await again()).host();
  expect(await back.ok('agents.chat.subscribe', claim(0))).toMatchObject({ head: 4, recovered: true });
});

test('with --durable off › then a restart knows no turn, and whoever asks hears so', async () => {
  const { home, again, attach, named, claim } = await start({ flags: ['--durable', 'off'] });
  const next = await again();
  const back = await next.host();
  expect((await back.call('agents.chat.subscribe', claim())).error.code).toBe(-32014);
  const agent = await attach(next);
  expect((await agent.ok('agent.resume', { turns: named })).turns).toMatchObject([{ status: 'unknown' }]);
  expect(readdirSync(join(home, 'journal'))).toEqual([]);
});
