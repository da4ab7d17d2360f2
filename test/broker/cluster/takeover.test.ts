import { afterEach, describe, expect, test } from 'vitest';
import { accepting, arrive } from './support/brokers.ts';
import { DONE, openTurn, resume, rowOf, say, startTakeover, told, WINDOW_S } from './support/takeover-scene.ts';

/* The broker of a turn's agent is killed and stays away; the agent goes on at another one, with its ticket. */

let scene: Awaited<ReturnType<typeof startTakeover>>;

afterEach(() => scene.cluster.end());

const lastAck = (agent: { received(method: string): { params: { acks: unknown[][] } }[] }) =>
  agent.received('agent.chat.ack').at(-1)?.params.acks[0]?.slice(1);

describe('a turn whose broker is killed', () => {
  test.each(['a', 'c'])('goes on where its agent comes back, and its host at %s reads on', async (at) => {
    scene = await startTakeover();
    const { a, b, c, attach, kill, mourn } = scene;
    const host = (at === 'a' ? a : c).connect();
    const agent = await attach(b);
    const { turn, ticket } = await openTurn(host, agent);
    await say(agent, turn, 1, 'one ', { kind: 'status', text: 'x' }, 'two ');
    await kill(agent);
    const next = await attach(c);
    // What it has said while it was away is new to everybody.
    const id = resume(next, { ...turn, ticket, next: 5, kept_from: 1 });
    await arrive();
    expect(rowOf(next, id)).toBeUndefined();
    await mourn();
    expect(rowOf(next, id)).toEqual({ turn_id: turn.turn_id, status: 'resumed', after: 0, released: 0 });
    await say(next, turn, 1, 'one ', { kind: 'status', text: 'x' }, 'two ', 'three ');
    expect(told(host)).toEqual(['1 one ', '2 status', '3 two ', '4 three ']);
    await say(next, turn, 5, DONE);
    await scene.cluster.pass(WINDOW_S + 5);
    expect(told(host)).toEqual(['1 one ', '2 status', '3 two ', '4 three ', '5 done']);
  });

  test.each(['host', 'agent'])('and its host’s, too › goes on, where the %s comes back first', async (first) => {
    scene = await startTakeover();
    const { a, b, c, attach, kill, mourn } = scene;
    const host = b.connect();
    const agent = await attach(b);
    const { turn, ticket, token } = await openTurn(host, agent);
    await say(agent, turn, 1, 'one ', 'two ');
    await kill(agent, host);
    const back = a.connect();
    const subscribe = () => back.post('agents.chat.subscribe', { session_id: 's', after: 2, resume_token: token });
    let id = first === 'host' ? subscribe() : 0;
    await mourn();
    const next = await attach(c);
    const resumed = resume(next, { ...turn, ticket, next: 3, kept_from: 1 });
    await arrive();
    expect(rowOf(next, resumed).status).toBe('resumed');
    if (first === 'agent') id = subscribe();
    await scene.cluster.pass(1);
    expect(back.replyTo(id)?.result).toMatchObject({ turn_id: turn.turn_id, head: 0, recovered: true });
    await say(next, turn, 1, 'one ', 'two ', 'three', DONE);
    expect(told(back)).toEqual(['3 three', '4 done']);
  });

  test('is told to its agent as kept by nobody until it ends', async () => {
    scene = await startTakeover();
    const { a, b, attach, cluster } = scene;
    const agent = await attach(b);
    const { turn } = await openTurn(a.connect(), agent);
    await say(agent, turn, 1, 'one', 'two');
    await cluster.pass(1);
    expect(lastAck(agent)).toEqual([2, 0]);
    await say(agent, turn, 3, DONE);
    await cluster.pass(1);
    expect(lastAck(agent)).toEqual([3, 3]);
  });

  test('is lost where its agent has no ticket, as ever', async () => {
    scene = await startTakeover();
    const { a, b, c, attach, kill, cluster } = scene;
    const host = a.connect();
    const agent = await attach(b, {});
    const { turn, ticket } = await openTurn(host, agent);
    expect(ticket).toBeUndefined();
    await say(agent, turn, 1, 'one');
    await cluster.pass(1);
    expect(lastAck(agent)).toEqual([1, 1]);
    await kill(agent);
    const next = await attach(c, {});
    const id = resume(next, { ...turn, next: 2, kept_from: 2 });
    await cluster.pass(WINDOW_S);
    expect(rowOf(next, id).status).toBe('unknown');
    await cluster.pass(10);
    expect(told(host)).toEqual(['1 one', '2 error peer_lost']);
  });

  test('has its cancel repeated, with what is left of the grace', async () => {
    scene = await startTakeover();
    const { a, b, c, attach, kill, mourn, cluster } = scene;
    const host = a.connect();
    const agent = await attach(b);
    const { turn, ticket } = await openTurn(host, agent);
    await say(agent, turn, 1, 'one');
    const cancel = host.post('agents.chat.cancel', { session_id: 's', grace_ms: 20_000 });
    await arrive();
    expect(host.replyTo(cancel)?.result.cancelled).toBe(true);
    await kill(agent);
    const next = await attach(c);
    resume(next, { ...turn, ticket, next: 2, kept_from: 1 });
    await mourn();
    expect(next.received('agent.chat.cancel').map(({ params }) => params.reason)).toEqual(['host_cancelled']);
    await say(next, turn, 1, 'one', 'two');
    await cluster.pass(20);
    expect(told(host)).toEqual(['1 one', '2 two', '3 done']);
    expect(host.events('s').at(-1)).toMatchObject({ finish_reason: 'cancelled', synthesized: true });
  });

  test('asks for the approvals again that wait, and for no others', async () => {
    scene = await startTakeover();
    const { a, b, c, attach, kill, mourn } = scene;
    const host = a.connect();
    const agent = await attach(b);
    const { turn, ticket } = await openTurn(host, agent);
    const asks = (approval_id: string) => ({ kind: 'approval_pending', approval_id, action: 'rm' });
    const said = [asks('old'), { kind: 'approval_resolved', approval_id: 'old', resolution: 'approve' }, asks('new')];
    await say(agent, turn, 1, ...said);
    await kill(agent);
    const next = await attach(c);
    resume(next, { ...turn, ticket, next: 4, kept_from: 1, pending_approvals: ['new'] });
    await mourn();
    const watcher = c.connect();
    await watcher.ok('server.handshake', { protocol_version: 3 });
    watcher.post('host.subscribe');
    await arrive();
    await say(next, turn, 1, ...said);
    const requested = watcher.received('host.event').filter(({ params }) => params.kind === 'approval.requested');
    expect(requested).toHaveLength(1);
    const approved = host.post('agents.chat.approve', { session_id: 's', approval_id: 'new', decision: true });
    await arrive();
    const call = next.received('agent.chat.approve').at(-1);
    expect(call.params).toMatchObject({ approval_id: 'new', decision: true });
    next.answer(call, { resolved: true });
    await arrive();
    expect(host.replyTo(approved)?.result.resolved).toBe(true);
    expect(told(host)).toEqual(['1 approval_pending', '2 approval_resolved', '3 approval_pending']);
  });

  test('of which its agent kept the end alone › has text for the rest, and its host misses nothing', async () => {
    scene = await startTakeover();
    const { a, b, c, attach, kill, mourn, cluster } = scene;
    const host = a.connect();
    const agent = await attach(b);
    const { turn, ticket, token: resume_token } = await openTurn(host, agent);
    const parts = Array.from({ length: 6 }, (_, at) => String(at).repeat(1024 * 1024));
    for (const [at, part] of parts.entries()) await say(agent, turn, at + 1, part);
    // So much at once is read in its time.
    await cluster.pass(3);
    expect(told(host)).toHaveLength(6);
    await kill(agent);
    const next = await attach(c);
    const text = parts.slice(0, 3).join('');
    const id = resume(next, { ...turn, ticket, next: 7, kept_from: 4, text, text_from: 0 });
    await mourn();
    expect(rowOf(next, id)).toMatchObject({ status: 'resumed', after: 3, released: 0 });
    for (const [at, part] of [...parts.slice(3), 'end', DONE].entries()) await say(next, turn, at + 4, part);
    await cluster.pass(3);
    expect(told(host).slice(6)).toEqual(['7 end', '8 done']);
    const other = c.connect();
    const said = { session_id: 's', turn_id: turn.turn_id, resume_token, role: 'observer' };
    const late = other.post('agents.chat.subscribe', said);
    await cluster.pass(2);
    const { recovered, head, text: whole } = other.replyTo(late)?.result ?? {};
    expect([recovered, head, whole === `${parts.join('')}end`]).toEqual([false, 8, true]);
  });
});

describe('a chat whose host chose its token', () => {
  test('is opened once, also where it is asked for again while its turn is put together', async () => {
    scene = await startTakeover();
    const { a, b, c, attach, kill, mourn } = scene;
    const agent = await attach(b);
    const resume_token = 'chosen-'.padEnd(32, 'x');
    const host = a.connect();
    const { turn, ticket } = await openTurn(host, agent, { resume_token });
    await say(agent, turn, 1, 'one');
    await kill(agent, host);
    const next = await attach(c);
    resume(next, { ...turn, ticket, next: 2, kept_from: 1 });
    await arrive();
    const again = c.connect();
    const chat = { agent_id: 'bot', prompt: 'hi', session_id: 's', resume_window_ms: 20_000, resume_token };
    const id = again.post('agents.chat', chat);
    await mourn();
    expect(again.replyTo(id)?.result).toMatchObject({ resumed: true, turn_id: turn.turn_id });
    await say(next, turn, 1, 'one', DONE);
    expect(told(again)).toEqual(['1 one', '2 done']);
    expect(next.received('agent.chat')).toEqual([]);
  });
});

describe('a broker that has started a moment ago', () => {
  test('waits until it knows who else is there', async () => {
    scene = await startTakeover();
    const { a, b, attach, kill, mourn, cluster } = scene;
    const agent = await attach(b);
    const { turn, ticket } = await openTurn(a.connect(), agent);
    await kill(agent);
    await mourn();
    const d = await cluster.start('d');
    const next = await attach(d);
    const id = resume(next, { ...turn, ticket, next: 1, kept_from: 1 });
    await arrive();
    expect(rowOf(next, id)).toBeUndefined();
    await cluster.pass(5);
    expect(rowOf(next, id).status).toBe('resumed');
  });
});

describe('a session that has another turn by now', () => {
  test('keeps that, whatever ticket comes', async () => {
    scene = await startTakeover();
    const { a, b, c, attach, kill, mourn } = scene;
    const agent = await attach(b);
    const { turn, ticket } = await openTurn(a.connect(), agent);
    await kill(agent);
    await mourn();
    const other = await attach(a, {}, 'other');
    const host = a.connect();
    const opened = host.post('agents.chat', { agent_id: 'other', prompt: 'hi', session_id: 's' });
    await arrive();
    const newer = await accepting(other);
    expect(host.replyTo(opened)?.result.accepted).toBe(true);
    const next = await attach(c);
    const id = resume(next, { ...turn, ticket, next: 1, kept_from: 1 });
    await scene.cluster.pass(4);
    expect(rowOf(next, id).status).toBe('unknown');
    other.emit(newer.session_id, { kind: 'done', finish_reason: 'stop' });
    await arrive();
    expect(told(host)).toEqual(['1 done']);
  });
});
