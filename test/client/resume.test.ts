import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type ChatEvent, type ChatHandle, ConnectionLostError, ResumeError } from '../../client/node.ts';
import {
  done,
  event,
  failure,
  interruptions,
  ResumeStage,
  read,
  resumed,
  shakeHands,
  soon,
  TURN,
  token,
  word,
} from './resume-stage.ts';
import { ScriptedBroker } from './scripted-broker.ts';

const stage = new ResumeStage();
beforeEach(() => stage.start());
afterEach(() => stage.stop());

/** Timers of this length do not run by themselves: the test runs them. */
function heldTimers(length: number): (() => void)[] {
  const held: (() => void)[] = [];
  const start = globalThis.setTimeout;
  const hold = (run: () => void, ms?: number) => {
    if (ms !== length) return start(run, ms);
    held.push(run);
    return start(() => {}, 0);
  };
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(hold as typeof setTimeout);
  onTestFinished(() => void vi.restoreAllMocks());
  return held;
}

describe('a resumable chat', () => {
  it('asks for the longest window, or for the one that it is given', async () => {
    await stage.connect();
    expect((await stage.open()).params).toMatchObject({ prompt: 'hello', resume_window_ms: 600_000 });
    const chat = stage.host.chat('echo', 'x', { resumable: true, resumeWindowMs: 5_000 });
    expect((await stage.wire.receive('agents.chat')).params).toEqual({
      agent_id: 'echo',
      prompt: 'x',
      session_id: chat.sessionId,
      resume_window_ms: 5_000,
      resume_token: expect.any(String),
    });
  });

  it('when the connection is lost › goes on after the last event, as if nothing had happened', async () => {
    await stage.connect();
    const { states, onInterruption } = interruptions();
    const { chat } = await stage.open({ onInterruption });
    const reading = read(chat);
    stage.wire.send(token(1, 'a'), token(3, 'bc', { seq_from: 2 }));
    await stage.wire.settled();
    stage.wire.terminate();
    const { params } = await stage.reconnect({ head: 4 }, token(4, 'd'), done(5));
    const claim = { claim: expect.any(String), unless_taken: true };
    const turn = { session_id: 's', turn_id: 't1', resume_token: 'r' };
    expect(params).toEqual({ ...turn, after: 3, role: 'controller', ...claim });
    expect(await reading).toEqual(['a', 'bc', 'd', 'done']);
    expect(states).toEqual([
      { state: 'waiting', error: expect.any(ConnectionLostError), windowMs: 600_000 },
      { state: 'resumed', recovered: true },
    ]);
  });

  it('drops what it had before', async () => {
    await stage.connect();
    const { chat } = await stage.open();
    const reading = read(chat);
    stage.wire.send(token(1, 'a'), token(2, 'b'));
    await stage.wire.settled();
    stage.wire.terminate();
    await stage.reconnect({ head: 3 }, token(1, 'a'), token(2, 'b'), token(3, 'c'), done(4));
    expect(await reading).toEqual(['a', 'b', 'c', 'done']);
  });

  it('when not everything was kept › gives the text that is missing in one marked token', async () => {
    await stage.connect();
    const { chat } = await stage.open();
    const events: ChatEvent[] = [];
    stage.wire.send(token(1, 'a'), token(2, 'b'));
    await stage.wire.settled();
    stage.wire.terminate();
    await stage.reconnect({ head: 7, recovered: false, text: 'abcdef' }, token(8, 'g'), done(9));
    for await (const event of chat) events.push(event);
    expect(events.map(word)).toEqual(['a', 'b', 'cdef', 'g', 'done']);
    expect(events[2]).toEqual({
      ...TURN,
      kind: 'token',
      delta: 'cdef',
      seq_from: 3,
      seq: 7,
      synthesized: true,
      recovered: true,
    });
  });

  it('when not everything was kept of a turn that has ended › gives its text and its terminal', async () => {
    await stage.connect();
    const { chat } = await stage.open();
    stage.wire.send(token(1, 'a'));
    await stage.wire.settled();
    stage.wire.terminate();
    await stage.reconnect({ status: 'done', head: 7, recovered: false, text: 'abc' }, done(7));
    expect(await chat.text()).toBe('abc');
  });

  it('when the text was not kept either › ends in ResumeError, and cancels the turn', async () => {
    await stage.connect();
    const { chat } = await stage.open();
    stage.wire.send(token(1, 'a'));
    await stage.wire.settled();
    stage.wire.terminate();
    const { next } = await stage.reconnect({ head: 7, recovered: false });
    expect(await failure(chat)).toMatchObject({ name: 'ResumeError', reason: 'text_lost', retryable: true });
    await next.receive('server.handshake');
    await next.receive('agents.chat.cancel');
  });

  it('when an approval was asked for that was not kept › gives it', async () => {
    await stage.connect();
    const { chat } = await stage.open();
    const seen: unknown[] = [];
    stage.wire.send(token(1, 'a'), event(2, { kind: 'approval_pending', approval_id: 'old', action: 'x' }));
    await stage.wire.settled();
    stage.wire.terminate();
    const pending = (seq: number, id: string) =>
      event(seq, { kind: 'approval_pending', approval_id: id, action: 'x' }).params;
    const result = { head: 9, recovered: false, text: 'a', pending_approvals: [pending(2, 'old'), pending(5, 'new')] };
    await stage.reconnect(result, done(10));
    for await (const event of chat) seen.push(event.kind === 'approval_pending' ? event.approval_id : word(event));
    expect(seen).toEqual(['a', 'old', '', 'new', 'done']);
  });

  it('when the next connection is lost, too › goes on over the one after it', async () => {
    await stage.connect();
    const { states, onInterruption } = interruptions();
    const { chat } = await stage.open({ onInterruption });
    const reading = read(chat);
    stage.wire.send(token(1, 'a'));
    await stage.wire.settled();
    stage.wire.terminate();
    const { next } = await stage.reconnect(undefined);
    next.terminate();
    const { params } = await stage.reconnect({ head: 1 }, done(2));
    expect(params.after).toBe(1);
    expect(await reading).toEqual(['a', 'done']);
    expect(states.map(({ state }) => state)).toEqual(['waiting', 'resumed']);
  });

  it.each([
    [-32014, 'not_found', true],
    [-32015, 'refused', false],
  ])('when the broker answers %i › ends in ResumeError: %s, retryable: %s', async (code, reason, retryable) => {
    await stage.connect({ reconnect: soon });
    const { chat } = await stage.open();
    const failing = failure(chat);
    stage.wire.terminate();
    const { next, id } = await stage.reconnect(undefined);
    next.send({ id, error: { code, message: 'no' } });
    const error = await failing;
    expect(error).toBeInstanceOf(ResumeError);
    expect(error).toMatchObject({ reason, retryable, cause: { code } });
  });

  it('when another host has taken its turn meanwhile › leaves it there, and says so', async () => {
    await stage.connect({ reconnect: soon });
    const { chat } = await stage.open();
    const failing = failure(chat);
    stage.wire.terminate();
    const { next, id } = await stage.reconnect(undefined);
    next.send({ id, error: { code: -32015, message: 'forbidden', data: { reason: 'taken_over' } } });
    expect(await failing).toMatchObject({ name: 'ResumeError', reason: 'taken_over', retryable: false });
  });

  it('when its turn is given back after its time was over › cancels it, for nobody reads it', async () => {
    await stage.connect();
    const { chat } = await stage.open({ resumeWindowMs: 12_345 });
    const failing = failure(chat);
    const windows = heldTimers(12_345);
    // Something else that keeps the host alive.
    const other = stage.host.chat('echo', 'x', { sessionId: 'other', resumable: true });
    const { id: opened } = await stage.wire.receive('agents.chat');
    const ack = { accepted: true, session_id: 'other', turn_id: 't2', resume_token: 'r2' };
    stage.wire.send({ id: opened as number, result: ack });
    await other.ack;
    stage.wire.terminate();
    const { next, id } = await stage.reconnect(undefined);
    for (const expire of windows) expire();
    expect(await failing).toMatchObject({ reason: 'window_over' });
    next.send({ id, result: resumed({ head: 0 }) });
    await next.receive('agents.chat.subscribe');
    await next.receive('server.handshake');
    expect((await next.receive('agents.chat.cancel')).params).toEqual({ session_id: 's' });
  });

  it('when the connection is not back in time › ends in ResumeError, and so does the host', async () => {
    await stage.connect();
    const { chat } = await stage.open({ resumeWindowMs: 30 });
    const failing = failure(chat);
    await stage.broker.stop();
    expect(await failing).toMatchObject({ name: 'ResumeError', reason: 'window_over', retryable: true });
    expect(await stage.host.closed).toBeInstanceOf(ConnectionLostError);
    expect(stage.host.status).toBe('closed');
    stage.broker = await ScriptedBroker.start();
  });

  it('waits no longer than the broker allows', async () => {
    await stage.connect();
    const { states, waiting, onInterruption } = interruptions();
    await stage.open({ onInterruption }, 1_234);
    await stage.wire.settled();
    stage.wire.terminate();
    await waiting;
    expect(states).toMatchObject([{ windowMs: 1_234 }]);
  });

  it.each([4401, 4403])('when the broker closes with %i › does not come back', async (code) => {
    await stage.connect();
    const { chat } = await stage.open();
    stage.wire.close(code);
    expect(await failure(chat)).toMatchObject({ name: 'ConnectionLostError', closeCode: code });
    expect(await stage.host.closed).toMatchObject({ closeCode: code });
  });

  it('when the token is refused on the way back › ends in ResumeError', async () => {
    await stage.connect();
    const { chat } = await stage.open();
    const failing = failure(chat);
    stage.wire.terminate();
    const next = await stage.broker.accept();
    const { id } = await next.receive('session.auth');
    next.send({ id: id as number, error: { code: -32603, message: 'auth failed: token mismatch' } });
    expect(await failing).toMatchObject({ reason: 'disconnected', retryable: false, cause: { name: 'AuthError' } });
  });

  it('when the token is looked up › does so again, and is not put off by an old one', async () => {
    const tokens = ['old', 'old', 'new'];
    const found = () => tokens.shift();
    await stage.connect({ token: found });
    const { chat } = await stage.open();
    stage.wire.terminate();
    const refusing = await stage.broker.accept();
    const { id } = await refusing.receive('session.auth');
    refusing.send({ id: id as number, error: { code: -32603, message: 'auth failed: token mismatch' } });
    const next = await stage.broker.accept();
    expect((await next.authenticate()).params).toEqual({ token: 'new' });
    const asked = await next.receive('agents.chat.subscribe');
    const result = resumed({ status: 'done', head: 1 });
    next.send({ id: asked.id as number, result }, done(1));
    expect(await read(chat)).toEqual(['done']);
  });

  it('when the token that is looked up stays the refused one › ends with that', async () => {
    await stage.connect({ token: () => 'old', reconnect: soon });
    const { chat } = await stage.open();
    const failing = failure(chat);
    stage.wire.terminate();
    for (const _ of ['once', 'twice']) {
      const refusing = await stage.broker.accept();
      const { id } = await refusing.receive('session.auth');
      refusing.send({ id: id as number, error: { code: -32603, message: 'auth failed: token mismatch' } });
    }
    expect(await failing).toMatchObject({ reason: 'disconnected', cause: { name: 'AuthError' } });
  });

  it('when a host that was relieved asks about its turn › hears that another has it, and is over', async () => {
    await stage.connect();
    const { chat } = await stage.open();
    const failing = failure(chat);
    const approving = chat.approve('a1', true).catch((error: unknown) => error);
    const { id } = await stage.wire.receive('agents.chat.approve');
    stage.wire.send({ id: id as number, error: { code: -32015, message: 'forbidden' } });
    expect(await failing).toMatchObject({ name: 'ResumeError', reason: 'taken_over' });
    expect(await approving).toMatchObject({ code: -32015 });
  });

  it.each([-32014, -32015])(
    'when a relieved reader leaves, and its cancel gets %i › can be read here again',
    async (code) => {
      await stage.connect();
      const { chat } = await stage.open();
      stage.wire.send(token(1, 'a'));
      for await (const _ of chat) break;
      const { handle } = chat;
      const { id } = await stage.wire.receive('agents.chat.cancel');
      stage.wire.send({ id: id as number, error: { code, message: 'no' } });
      await stage.wire.settled();
      const again = stage.host.resume(handle as ChatHandle);
      const { id: asked } = await stage.wire.receive('agents.chat.subscribe');
      stage.wire.send({ id: asked as number, result: resumed({ head: 1 }) }, done(2));
      expect(await read(again)).toEqual(['done']);
    },
  );

  it('when the host is closed while it waits › its loop ends', async () => {
    await stage.connect({ reconnect: { minMs: 2 ** 30, maxMs: 2 ** 30 } });
    const { waiting, onInterruption } = interruptions();
    const { chat } = await stage.open({ onInterruption });
    const reading = failure(chat);
    stage.wire.terminate();
    await waiting;
    await stage.host.close();
    expect(await reading).toBeUndefined();
  });

  it('from a broker that cannot resume › is a plain chat', async () => {
    await stage.connect();
    const chat = stage.host.chat('echo', 'hello', { resumable: true });
    await shakeHands(stage.wire, 600_000);
    const { id, params } = await stage.wire.receive('agents.chat');
    const { session_id } = params;
    stage.wire.send(
      { id: id as number, result: { accepted: true, session_id, turn_id: 't1' } },
      token(1, 'a'),
      token(1, 'b'),
    );
    expect(await stage.wire.settled()).toEqual([]);
    expect(chat.handle).toBeUndefined();
    const events = chat[Symbol.asyncIterator]();
    expect([(await events.next()).value, (await events.next()).value].map(word as never)).toEqual(['a', 'b']);
    stage.wire.terminate();
    await expect(events.next()).rejects.toBeInstanceOf(ConnectionLostError);
    expect(await stage.host.closed).toBeInstanceOf(ConnectionLostError);
  });
});
