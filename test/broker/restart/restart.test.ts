import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { LinkedClient, settle } from '../../support/linked.ts';
import { DONE, openKept, recovered, startKept, startLife, statusOf, told } from './restart-scene.ts';

/* The broker is killed, and started anew: turns with a window go on (docs/protocol.md, section 8). */

test('a turn › when the broker is killed in the middle › then its host reads on where it was, and no word is missing or comes twice', async () => {
  const { agent, host, say, again, named, claim } = await startKept();
  await say(agent, 1, 'a', 'b');
  expect(told(host)).toEqual(['1 a', '2 b']);
  const next = await again();
  expect(await statusOf(next)).toBe('recovering');
  const back = await next.linked.host();
  const result = await back.ok('agents.chat.subscribe', claim({ after: 1 }));
  expect(result).toMatchObject({ status: 'recovering', head: 2, recovered: true, epoch: 'life-2' });
  const agentBack = await next.attach();
  const { turns } = await agentBack.ok('agent.resume', { turns: [named({ next: 4, kept_from: 1 })] });
  expect(turns).toEqual([{ turn_id: expect.any(String), status: 'resumed', after: 2, released: 2 }]);
  expect(await statusOf(next)).toBe('streaming');
  await say(agentBack, 3, 'c', DONE);
  expect(told(back)).toEqual(['2 b', 'agent_away', 'agent_back', '3 c', '4 done stop']);
  expect(back.events('s')[1]).toMatchObject({ window_ms: 60_000, synthesized: true });
});

test('a turn › when its host comes after its agent › then it is detached until then', async () => {
  const { agent, say, again, named, claim } = await startKept();
  await say(agent, 1, 'a');
  const next = await again();
  const agentBack = await next.attach();
  await agentBack.ok('agent.resume', { turns: [named()] });
  expect(await statusOf(next)).toBe('detached');
  await say(agentBack, 2, 'b', DONE);
  const back = await next.linked.host();
  expect(await back.ok('agents.chat.subscribe', claim())).toMatchObject({ status: 'done', head: 3 });
  expect(told(back)).toEqual(['1 a', '2 b', '3 done stop']);
});

test('a turn whose host chose its token › then of its prompt nothing is kept that could be guessed, and it is known again by both', async () => {
  const resume_token = 'chosen-'.padEnd(32, 'x');
  const { disk, again } = await startKept({}, { resume_token, prompt: 'hi' });
  const plain = createHash('sha256').update('hi');
  expect(JSON.stringify(disk.blocks)).toContain('prompt_hash');
  expect(JSON.stringify(disk.blocks)).not.toContain(plain.copy().digest('base64'));
  expect(JSON.stringify(disk.blocks)).not.toContain(plain.digest('hex'));
  const next = await again();
  const back = await next.linked.host();
  const chat = { agent_id: 'echo', session_id: 's', resume_window_ms: 60_000, resume_token };
  expect((await back.call('agents.chat', { ...chat, prompt: 'ho' })).error.code).toBe(-32602);
  expect(await back.ok('agents.chat', { ...chat, prompt: 'hi' })).toMatchObject({
    resumed: true,
    status: 'recovering',
  });
});

test('a turn › when its host had more than was written › then that is not sent twice', async () => {
  const { agent, host, life, say, again, named, claim } = await startKept({ isAuto: false });
  await say(agent, 1, 'a');
  life.journal.flush();
  await say(agent, 2, 'b', 'c');
  expect(told(host)).toEqual(['1 a', '2 b', '3 c']);
  const next = await again();
  const back = await next.linked.host();
  expect(await back.ok('agents.chat.subscribe', claim({ after: 3 }))).toMatchObject({ head: 1, recovered: true });
  const agentBack = await next.attach();
  const { turns } = await agentBack.ok('agent.resume', { turns: [named({ kept_from: 2 })] });
  expect(turns[0]).toMatchObject({ after: 1 });
  await say(agentBack, 2, 'b', 'c', 'd', DONE);
  expect(told(back)).toEqual(['agent_away', 'agent_back', '4 d', '5 done stop']);
  const late = await next.linked.host();
  await late.ok('agents.chat.subscribe', claim());
  expect(told(late)).toEqual(['1 a', '2 b', '3 c', '4 d', '5 done stop']);
});

test('a turn › when its agent never comes back › then it ends with the window, after what its host has had', async () => {
  const { agent, life, say, again, claim } = await startKept({ isAuto: false });
  await say(agent, 1, 'a');
  life.journal.flush();
  await say(agent, 2, 'b', 'c');
  const next = await again();
  const back = await next.linked.host();
  await back.ok('agents.chat.subscribe', claim({ after: 3 }));
  await next.linked.advance(59_900);
  expect(await statusOf(next)).toBe('recovering');
  await next.linked.advance(140);
  const end = { kind: 'error', code: 'agent_disconnected', synthesized: true };
  expect(back.events('s')).toMatchObject([{ kind: 'agent_away' }, { ...end, seq: 4, truncated: true }]);
  // Who comes only now, too, and who has had all that there is.
  const [late, whole] = [await next.linked.host(), await next.linked.host()];
  await late.ok('agents.chat.subscribe', claim({ after: 6 }));
  expect(late.events('s')).toMatchObject([{ ...end, seq: 7, truncated: true }]);
  await whole.ok('agents.chat.subscribe', claim({ after: 1 }));
  expect(whole.events('s')).toMatchObject([{ ...end, seq: 4 }]);
});

test('a turn › of an agent that does not number its events › then its host gets what was kept, and that the agent is gone', async () => {
  const { life, host, again } = await startKept();
  const plain = await life.attach('plain', false);
  const id = host.post('agents.chat', { agent_id: 'plain', prompt: 'hi', session_id: 'p', resume_window_ms: 60_000 });
  await settle();
  plain.answer(plain.lastChat(), { accepted: true });
  await settle();
  const { resume_token } = host.replyTo(id).result;
  plain.emit('p', { kind: 'token', delta: 'a' });
  await settle();
  const next = await again();
  const back = await next.linked.host();
  const params = { session_id: 'p', resume_token };
  expect(await back.ok('agents.chat.subscribe', params)).toMatchObject({ status: 'failed', head: 2 });
  expect(back.events('p')).toMatchObject([
    { kind: 'token', delta: 'a' },
    { kind: 'error', code: 'agent_disconnected', synthesized: true },
  ]);
});

test('a turn without a window › then it is gone, and its agent hears that nobody knows it', async () => {
  const { life, host, agent, disk } = await startKept();
  const id = host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 'w' });
  await settle();
  agent.answer(agent.lastChat(), { accepted: true });
  await settle();
  const { turn_id } = host.replyTo(id).result;
  life.kill();
  const next = startLife(disk);
  await recovered();
  const agentBack = await next.attach();
  const { turns } = await agentBack.ok('agent.resume', { turns: [{ turn_id, session_id: 'w' }] });
  expect(turns).toMatchObject([{ status: 'unknown' }]);
});

test('an ended turn › when the broker is killed after its end › then it can be resumed for as long as it could before', async () => {
  const { agent, say, again, named, claim, disk } = await startKept();
  await say(agent, 1, 'a', DONE);
  const next = await again();
  const back = await next.linked.host();
  expect(await back.ok('agents.chat.subscribe', claim({ after: 1 }))).toMatchObject({ status: 'done', head: 2 });
  expect(told(back)).toEqual(['2 done stop']);
  const agentBack = await next.attach();
  const { turns } = await agentBack.ok('agent.resume', { turns: [named({ next: 3 })] });
  expect(turns).toMatchObject([{ status: 'ended', after: 2 }]);
  await next.linked.advance(5 * 60_000 + 10_000);
  expect((await back.call('agents.chat.subscribe', claim())).error.code).toBe(-32014);
  await settle();
  next.kill();
  expect(startLife(disk).journal.recovered).toEqual([]);
});

test('an ended turn › when the broker is killed before that is noted › then its terminal says it', async () => {
  const { agent, life, say, again, claim } = await startKept({ isAuto: false });
  await say(agent, 1, 'a');
  life.journal.flush();
  life.journal.end = () => {};
  await say(agent, 2, DONE);
  life.journal.flush();
  const next = await again();
  const back = await next.linked.host();
  expect(await back.ok('agents.chat.subscribe', claim())).toMatchObject({ status: 'done', head: 2 });
});

test('opening › when the same is asked again after the broker was killed › then it is the same turn, and another prompt is refused', async () => {
  const resume_token = 'r'.repeat(40);
  const { agent, say, again, turnId } = await startKept({}, { resume_token });
  await say(agent, 1, 'a');
  const next = await again();
  const back = await next.linked.host();
  const same = { agent_id: 'echo', session_id: 's', resume_window_ms: 60_000, resume_token };
  expect(await back.ok('agents.chat', { ...same, prompt: 'hi' })).toMatchObject({
    ...{ accepted: true, resumed: true, turn_id: turnId, status: 'recovering', head: 1 },
  });
  expect(told(back)).toEqual(['1 a', 'agent_away']);
  expect((await back.call('agents.chat', { ...same, prompt: 'other' })).error.code).toBe(-32602);
});

test('a session › while its turn of before waits for its agent › then it is busy', async () => {
  const { again } = await startKept();
  const next = await again();
  await next.attach('other');
  const host = await next.linked.host();
  const { error } = await host.call('agents.chat', { agent_id: 'other', session_id: 's', prompt: 'hi' });
  expect(error.code).toBe(-32010);
});

test('who may take a turn up after a restart › then whoever has the token or manages; no other client of the same machine', async () => {
  const { again, claim } = await startKept();
  const next = await again();
  const host = await next.linked.host();
  expect((await host.call('agents.chat.subscribe', { session_id: 's' })).error.code).toBe(-32015);
  expect((await host.call('agents.chat.subscribe', { session_id: 's', resume_token: 'wrong' })).error.code).toBe(
    -32015,
  );
  const manager = await next.linked.manager();
  expect(await manager.ok('agents.chat.subscribe', { session_id: 's' })).toMatchObject({ status: 'recovering' });
  expect(await host.ok('agents.chat.subscribe', claim())).toMatchObject({ status: 'recovering' });
});

test('a claim › when the broker is killed › then who was relieved stays so', async () => {
  const { life, again, claim } = await startKept();
  const second = await life.linked.host();
  await second.ok('agents.chat.subscribe', claim({ claim: 'second' }));
  await settle();
  const next = await again();
  const host = await next.linked.host();
  const refused = await host.call('agents.chat.subscribe', claim({ claim: 'first', unless_taken: true }));
  expect(refused.error.data.reason).toBe('taken_over');
  expect(await host.ok('agents.chat.subscribe', claim({ claim: 'second', unless_taken: true }))).toMatchObject({});
});

test('a turn › when the broker is killed twice › then it goes on', async () => {
  const { disk, agent, say, again, named, claim } = await startKept();
  await say(agent, 1, 'a');
  const second = await again();
  const agentBack = await second.attach();
  await agentBack.ok('agent.resume', { turns: [named()] });
  await say(agentBack, 2, 'b');
  second.kill();
  const third = startLife(disk);
  await recovered();
  const last = await third.attach();
  expect(await last.ok('agent.resume', { turns: [named()] })).toMatchObject({
    turns: [{ status: 'resumed', after: 2 }],
  });
  const host = await third.linked.host();
  await host.ok('agents.chat.subscribe', claim());
  await say(last, 3, DONE);
  expect(told(host)).toEqual(['1 a', '2 b', '3 done stop']);
});

test('a request › while turns of before are taken up › then it waits for its own, and is answered', async () => {
  const { disk, life, agent, say, named, claim } = await startKept();
  await say(agent, 1, 'a');
  life.kill();
  const next = startLife(disk);
  const [host, agentBack] = [next.linked.connect(), next.linked.connect()];
  const { token } = next.linked.broker.upsertAgent({ id: 'echo' });
  host.post('session.auth', { token: next.linked.broker.tokens.daemon });
  agentBack.post('session.auth', { agent_id: 'echo', token, resume: true });
  const subscribed = host.post('agents.chat.subscribe', claim());
  const resumed = agentBack.post('agent.resume', { turns: [named()] });
  await recovered();
  expect(host.replyTo(subscribed).result).toMatchObject({ head: 1 });
  expect(agentBack.replyTo(resumed).result.turns).toMatchObject([{ status: 'resumed' }]);
});

test('an agent › that comes while turns are taken up and names none › then they end as with any', async () => {
  const { disk, life, claim } = await startKept();
  life.kill();
  const next = startLife(disk);
  const plain = await next.attach('echo', false);
  await recovered();
  const host = await next.linked.host();
  expect(await host.ok('agents.chat.subscribe', claim())).toMatchObject({ status: 'failed' });
  expect(host.events('s')).toMatchObject([{ code: 'agent_replaced' }]);
  expect(plain.closed).toBeUndefined();
});

/** The agent has let go of two events that its host has had, and that were never written. */
async function startTorn() {
  const scene = await startKept({ isAuto: false });
  await scene.say(scene.agent, 1, 'a');
  scene.life.journal.flush();
  await scene.say(scene.agent, 2, 'b', 'c');
  return { ...scene, torn: scene.named({ kept_from: 4, text: 'bc', text_from: 1 }) };
}

test('an agent › that has let go of what was lost › then its text stands for that, and what follows keeps its numbers', async () => {
  const { say, again, claim, torn, disk } = await startTorn();
  const next = await again({});
  const host = await next.linked.host();
  await host.ok('agents.chat.subscribe', claim({ after: 3 }));
  const agent = await next.attach();
  expect((await agent.ok('agent.resume', { turns: [torn] })).turns).toMatchObject([{ status: 'resumed', after: 3 }]);
  await say(agent, 4, 'd');
  expect(told(host)).toEqual(['agent_away', 'agent_back', '4 d']);
  const text = { recovered: false, text: 'abcd', head: 4 };
  expect(await (await next.linked.manager()).ok('agents.chat.subscribe', { session_id: 's' })).toMatchObject(text);
  // Once more.
  next.kill();
  const last = startLife(disk);
  await recovered();
  const manager = await last.linked.manager();
  expect(await manager.ok('agents.chat.subscribe', { session_id: 's', after: 1 })).toMatchObject(text);
  expect((await manager.ok('agents.chat.subscribe', { session_id: 's', after: 3 })).recovered).toBe(true);
});

test('an agent › that has let go of what a host has a part of › then nobody could say what that one lacks, and the turn ends', async () => {
  const { again, claim, torn } = await startTorn();
  const next = await again({});
  const host = await next.linked.host();
  await host.ok('agents.chat.subscribe', claim({ after: 2 }));
  const agent = await next.attach();
  expect((await agent.ok('agent.resume', { turns: [torn] })).turns).toMatchObject([{ status: 'unknown' }]);
  expect(host.events('s').at(-1)).toMatchObject({ kind: 'error', code: 'agent_disconnected', seq: 3, truncated: true });
});

test('a turn of a person who has proved who they are › after a restart › then that person needs no token, and nobody else finds it', async () => {
  const { life, disk } = await startKept();
  const ann = { tenant: 'default', sub: 'ann' };
  const comes = (one: ReturnType<typeof startLife>, principal: { tenant: string; sub: string }) =>
    new LinkedClient(one.broker.connect({ principal }));
  const agent = await life.attach('other');
  const chat = { agent_id: 'other', session_id: 'a', resume_window_ms: 60_000 };
  const { turn_id } = await openKept(comes(life, ann), agent, chat);
  life.kill();
  const next = startLife(disk);
  await recovered();
  expect(await comes(next, ann).ok('agents.chat.subscribe', { session_id: 'a' })).toMatchObject({ turn_id });
  const bob = comes(next, { tenant: 'default', sub: 'bob' });
  expect((await bob.call('agents.chat.subscribe', { session_id: 'a' })).error.code).toBe(-32014);
});

test('what one person may have at once › after a restart › then turns of before count', async () => {
  const options = { sharedLimits: { 'identity.turns': 1 } };
  const { life, disk } = await startKept(options);
  const principal = { tenant: 'default', sub: 'ann' };
  const agent = await life.attach('other');
  const chat = { agent_id: 'other', resume_window_ms: 60_000 };
  const ann = new LinkedClient(life.broker.connect({ principal }));
  const { turn_id } = await openKept(ann, agent, { ...chat, session_id: 'a' });
  life.kill();
  const next = startLife(disk, options);
  const back = await next.attach('other');
  await recovered();
  const again = new LinkedClient(next.broker.connect({ principal }));
  const refused = await again.call('agents.chat', { ...chat, session_id: 'b', prompt: 'hi' });
  expect(refused.error).toMatchObject({ code: -32020, data: { limit: { name: 'identity.turns' } } });
  await back.ok('agent.resume', { turns: [{ turn_id, session_id: 'a' }] });
  back.emit('a', { ...DONE, turn_id, aseq: 1 });
  await settle();
  expect(await openKept(again, back, { ...chat, session_id: 'b' })).toMatchObject({ accepted: true });
});

test('two turns of a session › where the end of the first is among what was damaged › then the second goes on, and the first ends', async () => {
  const { agent, host, say, again, turnId, claim, disk } = await startKept();
  await say(agent, 1, 'a', DONE);
  const params = { agent_id: 'echo', session_id: 's', resume_window_ms: 60_000 };
  const { turn_id, resume_token } = await openKept(host, agent, params);
  for (const block of disk.blocks)
    for (const op of block.splice(0))
      if (op.turn !== 1 || !(op.op === 'end' || (op.op === 'frame' && op.isTerminal))) block.push(op);
  const next = await again();
  const [agentBack, back] = [await next.attach(), await next.linked.host()];
  const named = { turn_id, session_id: 's' };
  expect((await agentBack.ok('agent.resume', { turns: [named] })).turns).toMatchObject([{ status: 'resumed' }]);
  expect(await back.ok('agents.chat.subscribe', { session_id: 's', resume_token })).toMatchObject({ turn_id });
  agentBack.emit('s', { kind: 'token', delta: 'b', turn_id, aseq: 1 });
  await settle();
  expect(told(back)).toEqual(['1 b']);
  const first = await back.ok('agents.chat.subscribe', claim({ turn_id: turnId }));
  expect(first).toMatchObject({ status: 'failed', head: 2 });
});
