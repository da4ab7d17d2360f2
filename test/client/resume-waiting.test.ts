import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConnectionLostError, ResumeError } from '../../client/node.ts';
import { done, failure, interruptions, ResumeStage, read } from './resume-stage.ts';

const stage = new ResumeStage();
beforeEach(() => stage.start());
afterEach(() => stage.stop());

describe('while a resumable chat waits', () => {
  async function waitingChat() {
    await stage.connect();
    const { waiting, onInterruption } = interruptions();
    const { chat } = await stage.open({ onInterruption });
    await chat.ack;
    await stage.wire.settled();
    stage.wire.terminate();
    await waiting;
    return chat;
  }

  it('a cancel waits, and is sent once it goes on', async () => {
    const chat = await waitingChat();
    const cancelling = chat.cancel({ graceMs: 5 });
    const { next } = await stage.reconnect({});
    await next.receive('server.handshake');
    const { id, params } = await next.receive('agents.chat.cancel');
    expect(params).toEqual({ session_id: 's', grace_ms: 5 });
    next.send({ id: id as number, result: { cancelled: true } }, done(1, { finish_reason: 'cancelled' }));
    await cancelling;
    expect(await read(chat)).toEqual(['done']);
  });

  it('a cancel is content with the end of the turn', async () => {
    const chat = await waitingChat();
    const cancelling = chat.cancel();
    const { next, id } = await stage.reconnect(undefined);
    next.send({ id, error: { code: -32014, message: 'not found' } });
    await cancelling;
    expect(await failure(chat)).toBeInstanceOf(ResumeError);
  });

  it('an approval waits, too', async () => {
    const chat = await waitingChat();
    const approving = chat.approve('a1', true);
    const { next } = await stage.reconnect({});
    await next.receive('server.handshake');
    const { id, params } = await next.receive('agents.chat.approve');
    expect(params).toEqual({ session_id: 's', approval_id: 'a1', decision: true });
    next.send({ id: id as number, result: { resolved: true } });
    expect(await approving).toBe(true);
  });

  it('an approval that cannot be sent any more rejects with what became of the chat', async () => {
    const chat = await waitingChat();
    const approving = chat.approve('a1', true);
    const { next, id } = await stage.reconnect(undefined);
    next.send({ id, error: { code: -32014, message: 'not found' } });
    await expect(approving).rejects.toBeInstanceOf(ResumeError);
  });

  it('other requests reject at once, and other chats are over', async () => {
    await stage.connect({ reconnect: { minMs: 2 ** 30, maxMs: 2 ** 30 } });
    const { waiting, onInterruption } = interruptions();
    await stage.open({ onInterruption });
    const pending = stage.host.agents.list().catch((error: unknown) => error);
    await stage.wire.receive('agents.list');
    stage.wire.terminate();
    await waiting;
    expect(await pending).toBeInstanceOf(ConnectionLostError);
    await expect(stage.host.agents.list()).rejects.toBeInstanceOf(ConnectionLostError);
    expect(await failure(stage.host.chat('echo', 'x', { resumable: true }))).toBeInstanceOf(ConnectionLostError);
  });
});

describe('what is under way when the connection is lost', () => {
  it('is sent again, where it is about the chat', async () => {
    await stage.connect();
    const { chat } = await stage.open();
    const approving = chat.approve('a1', 'yes');
    await stage.wire.receive('agents.chat.approve');
    stage.wire.terminate();
    const { next } = await stage.reconnect({});
    await next.receive('server.handshake');
    const { id } = await next.receive('agents.chat.approve');
    next.send({ id: id as number, result: { resolved: true } });
    expect(await approving).toBe(true);
  });

  it.each([
    ['approved', true],
    ['denied', 'no'],
  ])('is content to hear that it was %s before, where %j was meant', async (resolution, decision) => {
    const { approving, answer } = await approvedTwice(decision);
    answer(resolution);
    expect(await approving).toBe(true);
  });

  it('asks again while the agent is being told the first answer', async () => {
    const { approving, next, refuse } = await approvedTwice(true);
    refuse({ taken: 'approve' });
    const { id } = await next.receive('agents.chat.approve');
    next.send({ id: id as number, result: { resolved: true } });
    expect(await approving).toBe(true);
  });

  it('rejects where it was decided otherwise before', async () => {
    const { approving, answer } = await approvedTwice(true);
    answer('denied');
    await expect(approving).rejects.toMatchObject({ code: -32016 });
  });
});

/** An approval whose first answer was lost with the connection: the second finds it resolved. */
async function approvedTwice(decision: boolean | string) {
  await stage.connect();
  const { chat } = await stage.open();
  const approving = chat.approve('a1', decision);
  await stage.wire.receive('agents.chat.approve');
  stage.wire.terminate();
  const { next } = await stage.reconnect({});
  await next.receive('server.handshake');
  const { id } = await next.receive('agents.chat.approve');
  const refuse = (data: object) =>
    next.send({ id: id as number, error: { code: -32016, message: 'approval not pending', data } });
  return { approving, next, refuse, answer: (resolution: string) => refuse({ resolution }) };
}
