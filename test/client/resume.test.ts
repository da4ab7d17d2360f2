import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ChatEvent, ConnectionClosedError, ConnectionLostError, ResumeError } from '../../client/node.ts';
import {
  done,
  event,
  failure,
  interruptions,
  ResumeStage,
  read,
  resumed,
  soon,
  TURN,
  token,
  word,
} from './resume-stage.ts';
import { ScriptedBroker } from './scripted-broker.ts';

const stage = new ResumeStage();
beforeEach(() => stage.start());
afterEach(() => stage.stop());

describe('a resumable chat', () => {
  it('asks for the longest window, or for the one that it is given', async () => {
    await stage.connect();
    expect((await stage.open()).params).toMatchObject({ prompt: 'hello', resume_window_ms: 600_000 });
    const chat = stage.host.chat('echo', 'x', { resumable: true, resume_window_ms: 5_000 });
    expect((await stage.wire.receive('agents.chat')).params).toEqual({
      agent_id: 'echo',
      prompt: 'x',
      session_id: chat.sessionId,
      resume_window_ms: 5_000,
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
    expect(params).toEqual({ session_id: 's', turn_id: 't1', resume_token: 'r', after: 3, role: 'controller' });
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

  it('when the connection is not back in time › ends in ResumeError, and so does the host', async () => {
    await stage.connect();
    const { chat } = await stage.open({ resume_window_ms: 30 });
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

  it('when the host is closed while it waits › ends in ConnectionClosedError', async () => {
    await stage.connect({ reconnect: { minMs: 2 ** 30, maxMs: 2 ** 30 } });
    const { waiting, onInterruption } = interruptions();
    const { chat } = await stage.open({ onInterruption });
    stage.wire.terminate();
    await waiting;
    await stage.host.close();
    expect(await failure(chat)).toBeInstanceOf(ConnectionClosedError);
  });

  it('from a broker that cannot resume › is a plain chat', async () => {
    await stage.connect();
    const chat = stage.host.chat('echo', 'hello', { resumable: true });
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

  it('when the connection is lost before the ack › ends in ConnectionLostError', async () => {
    await stage.connect();
    const chat = stage.host.chat('echo', 'hello', { resumable: true });
    await stage.wire.receive('agents.chat');
    stage.wire.terminate();
    expect(await failure(chat)).toBeInstanceOf(ConnectionLostError);
    expect(await stage.host.closed).toBeInstanceOf(ConnectionLostError);
  });
});
