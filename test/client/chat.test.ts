import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  BufferOverflowError,
  type ChatEvent,
  type ChatOptions,
  ConnectionClosedError,
  ConnectionLostError,
  connectHost,
  type Host,
  RpcError,
  TurnError,
} from '../../client/node.ts';
import { type Message, ScriptedBroker, type Wire } from './scripted-broker.ts';

let broker: ScriptedBroker;
let host: Host;
let wire: Wire;
const unhandled: unknown[] = [];
const note = (error: unknown) => unhandled.push(error);

beforeEach(async () => {
  broker = await ScriptedBroker.start();
  const connecting = connectHost({ url: broker.url, token: 'secret' });
  wire = await broker.accept();
  await wire.authenticate();
  host = await connecting;
  unhandled.length = 0;
  process.on('unhandledRejection', note);
});
afterEach(async () => {
  await host.close();
  await broker.stop();
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
});

function ack({ id, params }: Message, turn = 't1'): Message {
  return { id: id as number, result: { accepted: true, session_id: params.session_id, turn_id: turn } };
}

function event(fields: object, turn = 't1'): Message {
  return {
    method: 'agents.chat.event',
    params: { session_id: 's', turn_id: turn, agent_id: 'echo', seq: 1, ...fields },
  };
}
const token = (delta: string, turn?: string) => event({ kind: 'token', delta }, turn);
const done = (fields: object = {}, turn?: string) => event({ kind: 'done', finish_reason: 'stop', ...fields }, turn);

async function open(options?: ChatOptions) {
  const chat = host.chat('echo', 'hello', options);
  return { chat, request: await wire.receive('agents.chat') };
}

async function read(events: AsyncIterable<ChatEvent>): Promise<string[]> {
  const seen: string[] = [];
  for await (const event of events) seen.push(event.kind === 'token' ? event.delta : event.kind);
  return seen;
}

describe('host.chat', () => {
  it('sends the options as they stand on the wire, and none of the SDK', async () => {
    const { chat, request } = await open({ sessionId: 's1', onBusy: 'queue', context: { a: 1 }, bufferLimit: 9 });
    expect(request.params).toEqual({
      agent_id: 'echo',
      prompt: 'hello',
      session_id: 's1',
      on_busy: 'queue',
      context: { a: 1 },
    });
    expect(chat.sessionId).toBe('s1');
  });

  it('makes a session id where none is given', async () => {
    const { chat, request } = await open();
    expect(request.params.session_id).toBe(chat.sessionId);
    expect(chat.sessionId).toMatch(/^chat-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('when events follow the ack in the same packet › loses none', async () => {
    const { chat, request } = await open();
    wire.send(ack(request), token('a'), token('b'), done());
    expect(await chat.ack).toMatchObject({ accepted: true, turn_id: 't1' });
    expect(await read(chat)).toEqual(['a', 'b', 'done']);
  });

  it('ends after the terminal, whatever still comes', async () => {
    const { chat, request } = await open();
    wire.send(ack(request), event({ kind: 'error', error: 'oh' }), token('late'), done());
    expect(await read(chat)).toEqual(['error']);
  });

  it('when a kind is a word of every object › is an event like any other that is not known', async () => {
    const kinds = ['constructor', 'toString', '__proto__', 'hasOwnProperty'];
    const { chat, request } = await open();
    wire.send(ack(request), ...kinds.map((kind) => event({ kind })), done());
    expect(await read(chat)).toEqual([...kinds, 'done']);
  });

  it('keeps two chats apart by their turns, in the same session too', async () => {
    const first = await open({ sessionId: 's' });
    wire.send(ack(first.request, 't1'));
    const second = await open({ sessionId: 's', onBusy: 'queue' });
    wire.send(token('a'), done(), ack(second.request, 't2'), token('b', 't2'), done({}, 't2'));
    expect(await read(first.chat)).toEqual(['a', 'done']);
    expect(await read(second.chat)).toEqual(['b', 'done']);
  });

  it('when it is refused › ack rejects and reading throws, with the code of the wire', async () => {
    const { chat, request } = await open();
    wire.send({ id: request.id as number, error: { code: -32011, message: 'agent not attached' } });
    await expect(chat.ack).rejects.toMatchObject({ code: -32011, codeName: 'AgentNotAttached' });
    await expect(read(chat)).rejects.toBeInstanceOf(RpcError);
  });

  it('when it is refused and only the events are read › nothing is left unhandled', async () => {
    const { chat, request } = await open();
    wire.send({ id: request.id as number, error: { code: -32010, message: 'session busy' } });
    await expect(read(chat)).rejects.toMatchObject({ codeName: 'SessionBusy', retryable: true });
  });

  it('when it is refused and only the ack is awaited › nothing is left unhandled', async () => {
    const { chat, request } = await open();
    wire.send({ id: request.id as number, error: { code: -32012, message: 'agent rejected' } });
    await expect(chat.ack).rejects.toMatchObject({ codeName: 'AgentRejected' });
  });

  it('when the connection is lost › reading throws, after the events that came before', async () => {
    const { chat, request } = await open();
    wire.send(ack(request), token('a'));
    await chat.ack;
    wire.terminate();
    const events = chat[Symbol.asyncIterator]();
    expect(await events.next()).toMatchObject({ value: { delta: 'a' } });
    await expect(events.next()).rejects.toBeInstanceOf(ConnectionLostError);
    expect(await events.next()).toEqual({ value: undefined, done: true });
  });

  it('when the connection is lost before the ack › ack rejects', async () => {
    const { chat } = await open();
    wire.terminate();
    await expect(chat.ack).rejects.toMatchObject({ name: 'ConnectionLostError', closeCode: 1006, retryable: true });
  });

  it('when the host is closed › its loop ends, as its program asked for', async () => {
    const { chat, request } = await open();
    wire.send(ack(request));
    await chat.ack;
    const reading = read(chat);
    await host.close();
    expect(await reading).toEqual([]);
  });

  it('when the host is closed › its text is not there, which text() says', async () => {
    const { chat, request } = await open();
    wire.send(ack(request));
    await chat.ack;
    await Promise.all([expect(chat.text()).rejects.toBeInstanceOf(ConnectionClosedError), host.close()]);
  });

  it('when the broker’s answer or event is none › says which of its members is wrong', async () => {
    const { chat, request } = await open();
    wire.send({ id: request.id as number, result: { accepted: true, session_id: 's' } });
    await expect(chat.ack).rejects.toMatchObject({
      name: 'ProtocolError',
      message: expect.stringContaining('turn_id'),
    });
    const next = await open();
    wire.send(ack(next.request));
    const { turn_id } = await next.chat.ack;
    const reading = read(next.chat);
    const event = { session_id: next.chat.sessionId, turn_id, agent_id: 'echo', seq: 1, kind: 'token', delta: 7 };
    wire.send({ method: 'agents.chat.event', params: event });
    await expect(reading).rejects.toMatchObject({ name: 'ProtocolError', message: expect.stringContaining('delta') });
  });

  it('when the loop is left early › cancels the turn', async () => {
    const { chat, request } = await open();
    wire.send(ack(request), token('a'), token('b'));
    for await (const event of chat) {
      expect(event.kind).toBe('token');
      break;
    }
    expect((await wire.receive('agents.chat.cancel')).params).toEqual({ session_id: chat.sessionId, grace_ms: 0 });
  });

  it('when the loop runs to its end › cancels nothing', async () => {
    const { chat, request } = await open();
    wire.send(ack(request), done());
    await read(chat);
    await chat.cancel();
    const next = host.agents.list();
    const { id } = await wire.receive('agents.list');
    wire.send({ id: id as number, result: [] });
    await next;
  });

  it('can be read once', async () => {
    const { chat, request } = await open();
    wire.send(ack(request), done());
    await read(chat);
    expect(() => chat[Symbol.asyncIterator]()).toThrow('once');
  });

  it('when nobody reads beyond the limit › cancels the turn, and reading ends in an error', async () => {
    const { chat, request } = await open({ bufferLimit: 1_000 });
    wire.send(ack(request), token('a'), token('x'.repeat(2_000)), token('b'));
    await wire.receive('agents.chat.cancel');
    const events = chat[Symbol.asyncIterator]();
    expect(await events.next()).toMatchObject({ value: { delta: 'a' } });
    await expect(events.next()).rejects.toBeInstanceOf(BufferOverflowError);
  });

  it('when events are read as they come › no limit applies', async () => {
    const { chat, request } = await open({ bufferLimit: 1_000 });
    const reading = read(chat);
    wire.send(ack(request));
    for (let n = 0; n < 50; n++) {
      wire.send(token('x'.repeat(900)));
      await wire.settled();
    }
    wire.send(done());
    expect(await reading).toHaveLength(51);
  });
});

describe('chat.cancel', () => {
  it('passes the grace on, and the terminal still comes', async () => {
    const { chat, request } = await open();
    wire.send(ack(request));
    await chat.ack;
    const cancelling = chat.cancel({ graceMs: 500 });
    const cancel = await wire.receive('agents.chat.cancel');
    expect(cancel.params).toEqual({ session_id: chat.sessionId, grace_ms: 500 });
    wire.send({ id: cancel.id as number, result: { cancelled: true } }, done({ finish_reason: 'cancelled' }));
    await cancelling;
    expect(await read(chat)).toEqual(['done']);
  });

  it('before the ack, in a session of its own › is sent at once', async () => {
    const { chat } = await open();
    chat.cancel();
    await wire.receive('agents.chat.cancel');
  });

  it('before the ack, in a given session › waits for the ack, so that it hits no other turn', async () => {
    const { chat, request } = await open({ sessionId: 's' });
    chat.cancel();
    expect(await wire.settled()).toEqual([]);
    wire.send(ack(request));
    await wire.receive('agents.chat.cancel');
  });

  it('when that chat is refused › sends nothing', async () => {
    const { chat, request } = await open({ sessionId: 's' });
    const cancelling = chat.cancel();
    wire.send({ id: request.id as number, error: { code: -32010, message: 'session busy' } });
    await cancelling;
    expect(await wire.settled()).toEqual([]);
  });

  it('when the turn has ended meanwhile › resolves', async () => {
    const { chat, request } = await open();
    wire.send(ack(request));
    await chat.ack;
    const cancelling = chat.cancel();
    const { id } = await wire.receive('agents.chat.cancel');
    wire.send({ id: id as number, error: { code: -32014, message: 'not found' } });
    await cancelling;
  });

  it('when the signal aborts › cancels', async () => {
    const controller = new AbortController();
    const { request } = await open({ signal: controller.signal });
    wire.send(ack(request));
    controller.abort();
    await wire.receive('agents.chat.cancel');
  });

  it('when the signal has aborted before › sends nothing', async () => {
    const chat = host.chat('echo', 'hello', { signal: AbortSignal.abort(new Error('no more')) });
    await expect(chat.ack).rejects.toThrow('no more');
    expect(await wire.settled()).toEqual([]);
  });
});

describe('chat.text', () => {
  it('joins the deltas', async () => {
    const { chat, request } = await open();
    wire.send(ack(request), token('a'), event({ kind: 'todos' }), token('b'), done());
    expect(await chat.text()).toBe('ab');
  });

  it('is done.text where the agent sent it', async () => {
    const { chat, request } = await open();
    wire.send(ack(request), token('a'), done({ text: 'all of it' }));
    expect(await chat.text()).toBe('all of it');
  });

  it.each([
    [{ kind: 'error', error: 'broken', retryable: true }, 'broken', true],
    [{ kind: 'auth_required', reason: 'login', message: 'log in first' }, 'log in first', false],
    [{ kind: 'done', finish_reason: 'cancelled' }, 'the turn ended: cancelled', false],
  ])('when the turn ends in %j › throws TurnError', async (fields, message, retryable) => {
    const { chat, request } = await open();
    wire.send(ack(request), event(fields));
    const error = await chat.text().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(TurnError);
    expect(error).toMatchObject({ message, retryable, event: fields });
  });
});
