import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ChatHandle, ResumeError } from '../../client/node.ts';
import { done, event, failure, ResumeStage, read, resumed, shakeHands, TURN, token, word } from './resume-stage.ts';
import type { Message } from './scripted-broker.ts';

/** What every `agents.chat.subscribe` for that turn says. */
const TURN_ASKED = { session_id: 's', turn_id: 't1', resume_token: 'r' };

const stage = new ResumeStage();
beforeEach(() => stage.start());
afterEach(() => stage.stop());

describe('chat.handle', () => {
  it('says how far the chat was read, not what has arrived', async () => {
    await stage.connect();
    const { chat } = await stage.open({ resumeWindowMs: 9_000 });
    stage.wire.send(token(1, 'ab'), token(3, 'c', { seq_from: 2 }), event(4, { kind: 'todos' }), done(5));
    await stage.wire.settled();
    const handle = (seq: number, text_length: number): ChatHandle => ({
      ...TURN,
      resume_token: 'r',
      resume_window_ms: 9_000,
      seq,
      text_length,
    });
    expect(chat.handle).toEqual(handle(0, 0));
    const seen: unknown[] = [];
    for await (const _ of chat) seen.push(chat.handle);
    // The terminal does not count, so that it is there for whoever resumes a finished turn.
    expect(seen).toEqual([handle(1, 2), handle(3, 3), handle(4, 3), handle(4, 3)]);
    expect(JSON.parse(JSON.stringify(chat.handle))).toEqual(chat.handle);
  });
});

describe('host.resume', () => {
  const handle: ChatHandle = { ...TURN, resume_token: 'r', seq: 2, text_length: 2, resume_window_ms: 5_000 };
  async function asked() {
    const { id, params } = await stage.wire.receive('agents.chat.subscribe');
    await shakeHands(stage.wire, 600_000);
    const answer = (result: object, ...events: Message[]) => {
      const all = resumed({ head: 2, ...result });
      stage.wire.send({ id: id as number, result: all }, ...events);
    };
    return { id: id as number, params, answer };
  }

  it('goes on after what was read', async () => {
    await stage.connect();
    const chat = stage.host.resume(JSON.parse(JSON.stringify(handle)));
    const { params, answer } = await asked();
    const claim = { claim: expect.any(String), unless_taken: false };
    expect(params).toEqual({ ...TURN_ASKED, after: 2, role: 'controller', ...claim });
    answer({ head: 3 }, token(3, 'c'), done(4));
    expect(await chat.ack).toEqual({ accepted: true, session_id: 's', turn_id: 't1', resume_token: 'r' });
    expect(await read(chat)).toEqual(['c', 'done']);
    expect(chat).toMatchObject({ agentId: 'echo', sessionId: 's' });
  });

  it('from the start › gives everything', async () => {
    await stage.connect();
    const chat = stage.host.resume(handle, { fromStart: true });
    const { params, answer } = await asked();
    expect(params.after).toBe(0);
    answer({ head: 8, recovered: false, text: 'abc' }, token(9, 'd'), done(10));
    expect(await chat.text()).toBe('abcd');
  });

  it('when an approval still waits › gives it again', async () => {
    await stage.connect();
    const chat = stage.host.resume(handle);
    const { answer } = await asked();
    const pending = (seq: number) => event(seq, { kind: 'approval_pending', approval_id: `a${seq}`, action: 'x' });
    answer({ head: 4, pending_approvals: [pending(2).params, pending(4).params] }, token(3, 'c'), pending(4), done(5));
    expect(await read(chat)).toEqual(['approval_pending', 'c', 'approval_pending', 'done']);
  });

  it('when the connection is lost › goes on over the next', async () => {
    await stage.connect();
    const chat = stage.host.resume(handle);
    await stage.wire.receive('agents.chat.subscribe');
    stage.wire.terminate();
    const { params } = await stage.reconnect({ head: 2 }, done(3));
    expect(params.after).toBe(2);
    expect(await read(chat)).toEqual(['done']);
  });

  it('when the broker does not know the turn › ack and reading say so', async () => {
    await stage.connect();
    const chat = stage.host.resume(handle);
    const { id } = await asked();
    stage.wire.send({ id, error: { code: -32014, message: 'not found' } });
    await expect(chat.ack).rejects.toMatchObject({ reason: 'not_found', retryable: true });
    expect(await failure(chat)).toBeInstanceOf(ResumeError);
  });

  it('as an observer › watches, and leaves without a cancel', async () => {
    await stage.connect();
    const chat = stage.host.resume(handle, { role: 'observer' });
    const { params, answer } = await asked();
    expect(params).toEqual({ ...TURN_ASKED, after: 2, role: 'observer' });
    answer({}, token(3, 'c'));
    for await (const event of chat) {
      expect(word(event)).toBe('c');
      break;
    }
    expect((await stage.wire.receive('agents.chat.unsubscribe')).params).toEqual({ session_id: 's', turn_id: 't1' });
    const controller = new AbortController();
    const other = stage.host.resume(handle, { role: 'observer', signal: controller.signal });
    const { id } = await stage.wire.receive('agents.chat.subscribe');
    stage.wire.send({ id: id as number, result: resumed({ head: 2 }) });
    await other.ack;
    controller.abort(new Error('enough'));
    await expect(read(other)).rejects.toThrow('enough');
    expect((await stage.wire.settled()).map(({ method }) => method)).toEqual(['agents.chat.unsubscribe']);
  });

  it('while the broker still sends what an earlier chat here watched › takes none of it for its own', async () => {
    await stage.connect();
    const chat = stage.host.resume(handle);
    const { answer } = await asked();
    stage.wire.send(token(9, 'i'), event(10, { kind: 'todos' }));
    answer({ head: 10 }, token(9, 'cdefghi', { seq_from: 3 }), event(10, { kind: 'todos' }), done(11));
    expect(await read(chat)).toEqual(['cdefghi', 'todos', 'done']);
  });

  it('when the broker has no room for what was missed › asks again when it is told to', async () => {
    await stage.connect();
    const chat = stage.host.resume(handle);
    const { id } = await asked();
    const data = { limit: { name: 'replay', value: 1 }, retry_after_ms: 1 };
    stage.wire.send({ id, error: { code: -32020, message: 'limit exceeded', data } });
    const again = await stage.wire.receive('agents.chat.subscribe');
    expect(again.params).toMatchObject({ ...TURN_ASKED, after: 2 });
    stage.wire.send({ id: again.id as number, result: resumed({ head: 2 }) }, done(3));
    expect(await read(chat)).toEqual(['done']);
  });

  it('when a limit does not pass by itself › ends with it', async () => {
    await stage.connect();
    const chat = stage.host.resume(handle, { role: 'observer' });
    const { id } = await asked();
    const data = { limit: { name: 'max_observers', value: 32 } };
    stage.wire.send({ id, error: { code: -32020, message: 'limit exceeded', data } });
    expect(await failure(chat)).toMatchObject({ reason: 'refused', cause: { code: -32020 } });
  });

  it('when that turn is read here already › says so', async () => {
    await stage.connect();
    const { chat } = await stage.open();
    await chat.ack;
    expect(String(await failure(stage.host.resume(handle)))).toContain('another chat here reads this turn');
  });

  it.each([[undefined], [{}], [{ ...handle, seq: -1 }], [{ ...handle, resume_token: 7 }]])(
    'of %j › throws TypeError, without a word of the token',
    async (input) => {
      await stage.connect();
      expect(() => stage.host.resume(input as ChatHandle)).toThrow(/^not a chat's handle/);
      expect(() => stage.host.resume({ ...handle, seq: 'x' } as never)).toThrow(/handle: seq$/);
    },
  );
});
