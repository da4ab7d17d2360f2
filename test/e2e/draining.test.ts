import { readdirSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { askChat, type OpenChat, openChat } from './support/chat.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import type { WireClient } from './support/wire-client.ts';

const DONE = { kind: 'done', finish_reason: 'stop' };
/** Shorter than the five seconds in which an agent has to take a chat: the one that is not taken is there until the end. */
const DRAIN_TIMEOUT_MS = 3_000;

async function pair(flags: string[]) {
  const daemon = await startDaemon({ flags });
  const [host, agent] = [await daemon.host(), await daemon.agent('a')];
  return { daemon, host, agent };
}

async function stop(daemon: Daemon, signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
  daemon.program.child.kill(signal);
  await daemon.program.shows(`${signal}: stopping`);
  return performance.now();
}

describe('a stop with live turns', () => {
  let daemon: Daemon;
  let host: WireClient;
  let agent: WireClient;
  let quick: OpenChat;
  let stubborn: OpenChat;
  let asked: { id: number; turnId: string };
  let queued: number;
  let since: number;
  beforeAll(async () => {
    ({ daemon, host, agent } = await pair(['--drain-timeout', String(DRAIN_TIMEOUT_MS)]));
    quick = await openChat(host, agent, { agent_id: 'a' });
    stubborn = await openChat(host, agent, { agent_id: 'a' });
    const { sessionId } = stubborn;
    queued = host.post('agents.chat', { agent_id: 'a', prompt: 'later', session_id: sessionId, on_busy: 'queue' });
    asked = await askChat(host, agent, { agent_id: 'a' });
    since = await stop(daemon);
  });

  it('takes no new chats: -32021, queued ones too', async () => {
    expect((await host.call('agents.chat', { agent_id: 'a', prompt: 'x' })).error.code).toBe(-32021);
    expect((await host.replyTo(queued)).error.code).toBe(-32021);
  });

  it('answers /readyz and upgrades with 503, while /healthz says that it lives', async () => {
    expect(await daemon.get('/readyz')).toEqual({ status: 503, body: 'draining\n' });
    expect((await daemon.get('/healthz')).status).toBe(200);
    expect((await daemon.get('/metrics')).status).toBe(200);
    await expect(daemon.connect()).rejects.toThrow('503');
  });

  it('still carries out everything else', async () => {
    expect((await host.ok('agents.chat.sessions')).sessions).toHaveLength(3);
    expect(await agent.ok('server.handshake', { protocol_version: 3 })).toMatchObject({ protocol_version: 3 });
  });

  it('lets a turn stream on, and end by itself', async () => {
    quick.emit({ kind: 'token', delta: 'the rest' });
    quick.emit(DONE);
    expect(await host.terminal(quick.turnId)).toMatchObject({ ...DONE, seq: 2 });
    expect(agent.cancels(quick.turnId)).toEqual([]);
  });

  it('ends the rest as draining when its time is up: the host, the agent and the unanswered are told', async () => {
    expect(readdirSync(daemon.run)).toContain('broker.json');
    const end = await host.terminal(stubborn.turnId);
    // A little less, because the clock was started after the daemon's.
    expect(performance.now() - since).toBeGreaterThan(DRAIN_TIMEOUT_MS - 500);
    expect(end).toMatchObject({ kind: 'error', code: 'draining', synthesized: true, seq: 1 });
    expect((await host.replyTo(asked.id)).error.code).toBe(-32021);
    await agent.closed;
    expect(agent.cancels(stubborn.turnId)).toEqual(['draining']);
    expect(agent.cancels(asked.turnId)).toEqual(['draining']);
    expect(host.events(stubborn.turnId)).toHaveLength(1);
  });

  it('then closes with 1001, takes its files along, and ends with 0', async () => {
    for (const client of [host, agent]) expect(await client.closed).toEqual({ code: 1001, reason: 'broker stopping' });
    expect(await daemon.program.exit).toEqual({ code: 0, signal: null });
    expect(readdirSync(daemon.run)).toEqual([]);
    await expect(daemon.get('/healthz')).rejects.toThrow('ECONNREFUSED');
  });
});

describe('a stop', () => {
  it('is over with the last turn, long before its time is up', async () => {
    const { daemon, host, agent } = await pair(['--drain-timeout', '60000']);
    const chat = await openChat(host, agent, { agent_id: 'a' });
    await stop(daemon, 'SIGINT');
    chat.emit(DONE);
    expect(await host.terminal(chat.turnId)).toMatchObject(DONE);
    expect(await daemon.program.exit).toEqual({ code: 0, signal: null });
    expect(await host.closed).toMatchObject({ code: 1001 });
  });

  it('is over when the last host has gone', async () => {
    const { daemon, host, agent } = await pair(['--drain-timeout', '60000']);
    const chat = await openChat(host, agent, { agent_id: 'a' });
    await stop(daemon);
    host.socket.terminate();
    expect(await daemon.program.exit).toEqual({ code: 0, signal: null });
    expect(agent.cancels(chat.turnId)).toEqual(['host_disconnected']);
  });

  it('does not wait for a client that never answers the close', async () => {
    const { daemon, host } = await pair([]);
    // It reads nothing more, so it sees no close frame either.
    host.socket.pause();
    const since = await stop(daemon);
    expect(await daemon.program.exit).toEqual({ code: 0, signal: null });
    expect(performance.now() - since).toBeLessThan(8_000);
  });

  it('lets echo finish its sentence', async () => {
    const daemon = await startDaemon({ flags: ['--demo'] });
    const host = await daemon.host();
    const prompt = 'word '.repeat(20);
    const { turn_id } = await host.ok('agents.chat', { agent_id: 'echo', prompt });
    await stop(daemon);
    expect(await host.terminal(turn_id)).toMatchObject({ kind: 'done', text: prompt });
    expect(await daemon.program.exit).toEqual({ code: 0, signal: null });
  });
});
