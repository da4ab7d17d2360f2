import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { ConnectionLostError, connectHost, type Host, ResumeError } from '../../client/node.ts';
import { CutProxy } from './cut-proxy.ts';
import { deferred, RealBroker } from './real-broker.ts';
import { done, failure, interruptions, ResumeStage, read, resumed, shakeHands, TURN, token } from './resume-stage.ts';

/* A resumable chat is opened once, whichever answer is lost: the SDK chooses its token (wire.md section 6, 3). */

describe('a resumable chat whose connection is lost before the ack', () => {
  const stage = new ResumeStage();
  beforeEach(() => stage.start());
  afterEach(() => stage.stop());

  it('asks for the very same chat again, and reads all of it once', async () => {
    await stage.connect();
    const { states, onInterruption } = interruptions();
    const chat = stage.host.chat('echo', 'hello', { sessionId: 's', resumable: true, onInterruption });
    await shakeHands(stage.wire, 600_000);
    const { params } = await stage.wire.receive('agents.chat');
    expect(params.resume_token).toMatch(/^[\w-]{32,128}$/);
    const { next, asked } = await reopened();
    expect(asked.params).toEqual(params);
    const { resume_token } = params;
    const answer = { accepted: true, resumed: true, ...resumed({ head: 1 }), resume_token };
    next.send({ id: asked.id as number, result: answer }, token(1, 'one'), done(2));
    expect(await read(chat)).toEqual(['one', 'done']);
    expect(await chat.ack).toMatchObject({ turn_id: 't1', resume_token });
    expect(states.map(({ state }) => state)).toEqual(['waiting', 'resumed']);
  });

  it('and the first try never came › has a new turn', async () => {
    await stage.connect();
    const chat = stage.host.chat('echo', 'hello', { resumable: true });
    await shakeHands(stage.wire, 600_000);
    await stage.wire.receive('agents.chat');
    const { next, asked } = await reopened();
    const result = { accepted: true, session_id: asked.params.session_id, turn_id: 't1', resume_token: 'r' };
    next.send({ id: asked.id as number, result }, done(1));
    expect(await read(chat)).toEqual(['done']);
  });

  it('and again › asks a third time', async () => {
    await stage.connect();
    const chat = stage.host.chat('echo', 'hello', { resumable: true });
    await shakeHands(stage.wire, 600_000);
    await stage.wire.receive('agents.chat');
    const second = await reopened();
    const third = await reopened(second.next);
    expect(third.asked.params).toEqual(second.asked.params);
    third.next.send({ id: third.asked.id as number, error: { code: -32012, message: 'agent rejected' } });
    expect(await failure(chat)).toMatchObject({ code: -32012 });
  });

  it('and too much is asked of the broker › asks again when it says', async () => {
    await stage.connect();
    const chat = stage.host.chat('echo', 'hello', { resumable: true });
    await shakeHands(stage.wire, 600_000);
    await stage.wire.receive('agents.chat');
    const { next, asked } = await reopened();
    next.send({ id: asked.id as number, error: { code: -32020, message: 'limit', data: { retry_after_ms: 1 } } });
    const again = await next.receive('agents.chat');
    next.send({ id: again.id as number, result: { accepted: true, ...TURN, resume_token: 'r' } }, done(1));
    expect(await read(chat)).toEqual(['done']);
  });

  it('to a broker that does not resume › is asked for no second time', async () => {
    await stage.connect();
    const chat = stage.host.chat('echo', 'hello', { resumable: true });
    await stage.wire.receive('server.handshake');
    await stage.wire.receive('agents.chat');
    stage.wire.terminate();
    const next = await stage.broker.accept();
    await next.authenticate();
    const { id } = await next.receive('server.handshake');
    next.send({ id: id as number, result: { protocol_version: 3 } });
    const error = await failure(chat);
    expect(error).toBeInstanceOf(ResumeError);
    expect(error).toMatchObject({ reason: 'refused' });
  });

  it('for longer than its window › ends in a ResumeError', async () => {
    await stage.connect({ reconnect: { minMs: 2 ** 30, maxMs: 2 ** 30 } });
    const chat = stage.host.chat('echo', 'hello', { resumable: true, resumeWindowMs: 1 });
    await shakeHands(stage.wire, 600_000);
    await stage.wire.receive('agents.chat');
    stage.wire.terminate();
    expect(await failure(chat)).toMatchObject({ reason: 'window_over' });
  });

  it('of a chat that is not resumable › ends in ConnectionLostError', async () => {
    await stage.connect();
    const chat = stage.host.chat('echo', 'hello', { resumeWindowMs: 60_000 });
    await shakeHands(stage.wire, 600_000);
    expect((await stage.wire.receive('agents.chat')).params).not.toHaveProperty('resume_token');
    stage.wire.terminate();
    expect(await failure(chat)).toBeInstanceOf(ConnectionLostError);
    expect(await stage.host.closed).toBeInstanceOf(ConnectionLostError);
  });

  /** The connection is lost, and the next asks for the chat again. */
  async function reopened(wire = stage.wire) {
    wire.terminate();
    const next = await stage.broker.accept();
    await next.authenticate();
    await shakeHands(next, 600_000);
    return { next, asked: await next.receive('agents.chat') };
  }
});

describe('a resumable chat over a wire that is cut', () => {
  it('whose answer is lost › the agent is asked once, and all of it is read', async () => {
    let runs = 0;
    const real = await RealBroker.start();
    const proxy = await CutProxy.to(real.url);
    await real.agent(async function* () {
      runs += 1;
      // Accepted a moment ago: the host has not been told yet.
      proxy.cut();
      yield 'one ';
      yield 'two';
    });
    const host = await through(proxy, real);
    const chat = host.chat('echo', 'x', { resumable: true });
    expect(await chat.text()).toBe('one two');
    expect(await chat.ack).toMatchObject({ resumed: true });
    expect(runs).toBe(1);
  });

  it('whose connection is lost before the agent has taken the turn › is born without its host, and goes on', async () => {
    const [asked, accepting] = [deferred(), deferred()];
    const real = await RealBroker.start();
    let runs = 0;
    const onChat = async function* () {
      runs += 1;
      yield 'word';
    };
    const accept = async () => {
      asked.resolve();
      await accepting.promise;
    };
    await real.agent(onChat, { accept });
    const proxy = await CutProxy.to(real.url);
    const host = await through(proxy, real);
    const { waiting, onInterruption } = interruptions();
    const chat = host.chat('echo', 'x', { resumable: true, onInterruption });
    await asked.promise;
    proxy.close();
    await waiting;
    accepting.resolve();
    proxy.open();
    expect(await chat.text()).toBe('word');
    expect(runs).toBe(1);
  });
});

async function through(proxy: CutProxy, real: RealBroker): Promise<Host> {
  const host = await connectHost({ url: proxy.url, token: real.broker.tokens.daemon, env: {} });
  onTestFinished(() => host.close());
  return host;
}
