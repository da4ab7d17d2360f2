import { beforeAll, describe, expect, it } from 'vitest';
import { settle } from './support/chat.ts';
import { temporaryDirectory } from './support/cleanup.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { MAIN, run } from './support/program.ts';
import { answersTo, heard, requested, rowOf, subscribe, toolTurn } from './support/tools.ts';
import type { WireClient } from './support/wire-client.ts';

const TOOLS = [{ name: 'clock' }, { name: 'risky' }];

let daemon: Daemon;
let person: WireClient;
beforeAll(async () => {
  daemon = await startDaemon({ flags: ['--approve', 'tools.execute:risky', '--approve', 'session.init'] });
  person = await daemon.host();
  await subscribe(person);
});

const risky = { tool: 'risky', parameters: { path: '/', password: 'hunter2' } };
const answer = (client: WireClient, approval_id: string, resolution: string) =>
  client.call('host.resolve_approval', { approval_id, resolution });

describe('a tool at the gate', () => {
  it('waits, is shown without its secrets, and runs once another connection approves it', async () => {
    const { host, agent, agentId, chat, execute, asked } = await toolTurn(daemon, TOOLS);
    const id = execute(risky);
    const row = await requested(person, ({ agent_id }) => agent_id === agentId);
    expect(row).toMatchObject({
      action: 'ws.method:tools.execute',
      details: { method: 'tools.execute', tool: 'risky', session_id: chat.sessionId, turn_id: chat.turnId },
      status: 'pending',
    });
    expect(row.details.params_preview).toContain('"path":"/"');
    expect(JSON.stringify(row)).not.toContain('hunter2');
    await settle(agent, host);
    expect(host.received('tools.execute')).toEqual([]);
    expect((await answer(person, row.id, 'approve')).result).toMatchObject({ id: row.id, status: 'approved' });
    const request = await asked();
    expect(request.params).toMatchObject(risky);
    host.answer(request, 'ran');
    expect((await agent.replyTo(id)).result).toBe('ran');
  });

  it('never runs when it is denied: -32003 with why and which', async () => {
    const { host, agent, agentId, execute } = await toolTurn(daemon, TOOLS);
    const id = execute(risky);
    const row = await requested(person, ({ agent_id }) => agent_id === agentId);
    await answer(person, row.id, 'deny');
    const { error } = await agent.replyTo(id);
    expect(error).toMatchObject({ code: -32003, data: { reason: 'denied', approval_id: row.id } });
    await settle(host);
    expect(host.received('tools.execute')).toEqual([]);
    expect((await answer(person, row.id, 'approve')).error).toMatchObject({
      code: -32016,
      data: { resolution: 'denied' },
    });
  });

  it('never runs when nobody answers in --approval-timeout: -32003, and the row is expired', async () => {
    const hasty = await startDaemon({ flags: ['--approve', 'tools.execute:risky', '--approval-timeout', '200'] });
    const { host, agent, execute } = await toolTurn(hasty, TOOLS);
    // Its own time does not run meanwhile.
    const { error } = await agent.replyTo(execute({ ...risky, timeout_ms: 1 }));
    expect(error).toMatchObject({ code: -32003, data: { reason: 'timeout' } });
    expect(await rowOf(host, error.data.approval_id)).toMatchObject({ status: 'expired' });
    const late = await answer(host, error.data.approval_id, 'approve');
    expect(late.error).toMatchObject({ code: -32016, data: { resolution: 'expired' } });
    await settle(host);
    expect(host.received('tools.execute')).toEqual([]);
  });

  it('is never let through by the agent itself, nor by another agent', async () => {
    const { host, agent, agentId, execute, asked } = await toolTurn(daemon, TOOLS);
    execute(risky);
    const { id } = await requested(person, ({ agent_id }) => agent_id === agentId);
    const accomplice = await daemon.agent('accomplice');
    for (const client of [agent, accomplice]) {
      expect((await answer(client, id, 'approve')).error.code).toBe(-32015);
    }
    await settle(host);
    expect(host.received('tools.execute')).toEqual([]);
    // The turn's own host may: it is not the one that waits.
    expect((await answer(host, id, 'approve')).result).toMatchObject({ status: 'approved' });
    await asked();
  });

  it('does not hold up another tool', async () => {
    const { host, agent, execute, asked } = await toolTurn(daemon, TOOLS);
    execute(risky);
    const id = execute({ tool: 'clock' });
    const request = await asked();
    expect(request.params.tool).toBe('clock');
    host.answer(request, 12);
    expect((await agent.replyTo(id)).result).toBe(12);
  });

  it('is -32018 when its turn ends: the row is withdrawn, and the host never hears of it', async () => {
    const { host, agent, agentId, chat, execute } = await toolTurn(daemon, TOOLS);
    const id = execute(risky);
    const row = await requested(person, ({ agent_id }) => agent_id === agentId);
    await host.ok('agents.chat.cancel', { session_id: chat.sessionId });
    expect((await agent.replyTo(id)).error).toMatchObject({ code: -32018, data: { reason: 'turn_ended' } });
    expect(await rowOf(person, row.id)).toMatchObject({ status: 'withdrawn' });
    expect((await answer(person, row.id, 'approve')).error.code).toBe(-32016);
    await host.terminal(chat.turnId);
    expect([...host.received('tools.execute'), ...host.received('tools.cancel')]).toEqual([]);
  });
});

describe('a method at the gate', () => {
  /** A client that waits at the gate to register a tool, and its row. */
  async function parked(name: string) {
    const caller = await daemon.host();
    const id = caller.post('session.init', { tools: [{ name }] });
    const row = await requested(person, ({ details }) => details.params_preview?.includes(name));
    expect(row).toMatchObject({ action: 'ws.method:session.init', details: { method: 'session.init' } });
    return { caller, id, row };
  }

  it('waits while its caller does other things, which cannot be to answer itself; then it runs', async () => {
    const { caller, id, row } = await parked('first');
    expect((await answer(caller, row.id, 'approve')).error.code).toBe(-32015);
    expect(await caller.ok('tools.list', {})).toEqual({ tools: [], count: 0 });
    expect(answersTo(caller, id)).toEqual([]);
    expect((await answer(person, row.id, 'approve')).result).toMatchObject({ status: 'approved' });
    expect((await caller.replyTo(id)).result).toMatchObject({ tools_registered: 1 });
    expect(await caller.ok('tools.list', {})).toMatchObject({ count: 1 });
  });

  it('changes nothing when it is denied: -32003', async () => {
    const { caller, id, row } = await parked('second');
    await answer(person, row.id, 'deny');
    const { error } = await caller.replyTo(id);
    expect(error).toMatchObject({ code: -32003, data: { reason: 'denied', approval_id: row.id } });
    expect(await caller.ok('tools.list', {})).toEqual({ tools: [], count: 0 });
  });

  it('is withdrawn when its caller is gone', async () => {
    const { caller, row } = await parked('third');
    caller.socket.terminate();
    await heard(person, ({ kind, payload }) => kind === 'approval.resolved' && payload.id === row.id);
    expect(await rowOf(person, row.id)).toMatchObject({ status: 'withdrawn' });
  });

  it('is refused before it waits where its parameters are wrong: -32602', async () => {
    const caller = await daemon.host();
    expect((await caller.call('session.init', { tools: [{ name: 7 }] })).error.code).toBe(-32602);
  });
});

describe('the gate', () => {
  it('is off with --no-approvals: what is in its set runs at once, what chats ask for still waits', async () => {
    const open = await startDaemon({ flags: ['--no-approvals', '--approve', 'tools.execute:risky'] });
    const { host, agent, chat, execute, asked } = await toolTurn(open, TOOLS);
    const id = execute(risky);
    host.answer(await asked(), 'ran');
    expect((await agent.replyTo(id)).result).toBe('ran');
    expect(await host.ok('host.approvals', {})).toEqual({ approvals: [] });
    chat.emit({ kind: 'approval_pending', approval_id: 'ask', action: 'go on' });
    await host.event(chat.turnId, ({ kind }) => kind === 'approval_pending');
    expect(await host.ok('host.approvals', {})).toMatchObject({ approvals: [{ status: 'pending' }] });
  });

  it.each(['session.auth', 'server.handshake', 'host.resolve_approval'])(
    'is refused in front of %s: the daemon says so in one line, and ends with 2',
    async (method) => {
      const env = { SWITCHBOARD_HOME: temporaryDirectory() };
      const { code, out, err } = await run([MAIN, '--port', '0', '--no-socket', '--approve', method], env);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toMatch(/^switchboard: --approve [^\n]+\n$/);
      expect(err).toContain(method);
    },
  );
});
