import { describe, expect, test } from 'vitest';
import type { Turn } from '../../../client/node.ts';
import { Transcripts } from '../../../fronts/openai/transcripts.ts';
import type { Message } from '../../support/linked.ts';
import { deferred, startFronts } from '../front-scene.ts';

const user = (content: string) => ({ role: 'user', content });

/** An agent that says which of its sessions this is, and how often it has been asked there. */
async function startNaming() {
  const scene = await startFronts();
  const seen = new Map<string, number>();
  const hold = deferred();
  const answer = async ({ sessionId, prompt }: Turn) => {
    if (prompt === 'wait') await hold.promise;
    const count = (seen.get(sessionId) ?? 0) + 1;
    seen.set(sessionId, count);
    return `answer ${count}  to ${prompt}`;
  };
  const echo = await scene.agent('echo', answer);
  await scene.agent('other', answer);
  const post = async (
    messages: object[],
    { key = scene.token, headers = {}, ...more }: Record<string, unknown> = {},
  ) => {
    const answered = await fetch(`${scene.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: 'echo', messages, ...more }),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...(headers as object) },
    });
    const body = (await answered.json()) as Message;
    const session = answered.headers.get('x-switchboard-session');
    return { status: answered.status, session, message: body.choices?.[0]?.message, error: body.error };
  };
  return { ...scene, ...echo, post, hold };
}

describe('a conversation › that is not named', () => {
  test('goes on in its session, whatever became of its white space', async () => {
    const { post } = await startNaming();
    const first = await post([user('one')]);
    const again = { role: 'assistant', content: ' answer 1 to   one\n' };
    const second = await post([user('one'), again, user('two')]);
    const third = await post([user('one'), again, user('two'), second.message, user('three')]);
    expect(second.session).toBe(first.session);
    expect(third.session).toBe(first.session);
    expect(third.message.content).toBe('answer 3  to three');
  });

  test('and says what another says › is another', async () => {
    const { post } = await startNaming();
    const [one, two] = [await post([user('hi')]), await post([user('hi')])];
    expect(one.session).not.toBe(two.session);
    const more = [user('hi'), one.message, user('more')];
    const [third, fourth] = [await post(more), await post(more)];
    expect(new Set([third.session, fourth.session])).toEqual(new Set([one.session, two.session]));
    expect([third.message.content, fourth.message.content]).toEqual(['answer 2  to more', 'answer 2  to more']);
  });

  test('and whose message is edited, or answered anew › begins anew, with its history', async () => {
    const { post, turns } = await startNaming();
    const system = { role: 'system', content: 'be brief' };
    const first = await post([system, user('one')]);
    const past = [system, user('one'), first.message];
    const second = await post([...past, user('two')]);
    const edited = await post([...past, user('too')]);
    expect(new Set([first.session, second.session])).toEqual(new Set([first.session]));
    expect(edited.session).not.toBe(first.session);
    expect(turns.map(({ context, prompt }) => [prompt, context.instructions, context.history])).toEqual([
      ['one', 'be brief', undefined],
      ['two', undefined, undefined],
      ['too', 'be brief', [user('one'), { role: 'assistant', content: 'answer 1  to one' }]],
    ]);
    // The edited one is a conversation like any other.
    expect((await post([...past, user('too'), edited.message, user('three')])).session).toBe(edited.session);
  });

  test('and is another key’s, or with another agent › is another', async () => {
    const { post, key } = await startNaming();
    const [ada, bob] = [await key('ada'), await key('bob')];
    const first = await post([user('one')], { key: ada });
    const more = [user('one'), first.message, user('two')];
    expect((await post(more, { key: bob })).session).not.toBe(first.session);
    expect((await post(more, { key: ada, model: 'other' })).session).not.toBe(first.session);
    expect((await post(more, { key: ada })).session).toBe(first.session);
  });

  test('and is refused › may be tried again', async () => {
    const { post, agent } = await startNaming();
    const first = await post([user('one')]);
    const more = [user('one'), first.message, user('two')];
    expect((await post(more, { tools: [{ type: 'function', function: { name: 'x'.repeat(300) } }] })).status).toBe(400);
    expect((await post(more)).session).toBe(first.session);
    expect(agent).toBeDefined();
  });
});

describe('a conversation › that is named', () => {
  test('by a header of ours › is that session, and one that fits no session is hashed', async () => {
    const { post, turns } = await startNaming();
    const mine = { headers: { 'x-switchboard-session': 'my:own.session' } };
    expect((await post([user('one')], mine)).session).toBe('my:own.session');
    expect((await post([user('two')], mine)).message.content).toBe('answer 2  to two');
    const odd = { headers: { 'x-switchboard-session': 'a b/c' } };
    const first = await post([user('one')], odd);
    expect(first.session).toMatch(/^openai:[\w-]{43}$/);
    expect((await post([user('two')], odd)).session).toBe(first.session);
    expect((await post([user('two')], { headers: { 'x-switchboard-session': first.session } })).session).toBe(
      first.session,
    );
    expect(turns[0]?.context.history).toBeUndefined();
  });

  test('by Open WebUI’s header, or in the metadata › is one for each agent', async () => {
    const { post } = await startNaming();
    const named = { headers: { 'x-openwebui-chat-id': 'c-1' } };
    const first = await post([user('one')], named);
    expect(first.session).toBe('openai:echo:c-1');
    expect((await post([user('two')], named)).session).toBe(first.session);
    expect((await post([user('two')], { ...named, model: 'other' })).session).toBe('openai:other:c-1');
    expect((await post([user('two')], { metadata: { session_id: 'm 1' } })).session).toMatch(/^openai:[\w-]{43}$/);
    const ours = { headers: { 'x-session-id': 'title' } };
    expect((await post([user('two')], ours)).session).not.toBe((await post([user('two')], ours)).session);
  });

  test('and has a live turn › is busy, and nothing is run', async () => {
    const { post, hold, turn, turns } = await startNaming();
    const mine = { headers: { 'x-switchboard-session': 's' } };
    const first = post([user('wait')], mine);
    await turn();
    expect(await post([user('two')], mine)).toMatchObject({ status: 409, error: { code: 'session_busy' } });
    hold.resolve();
    expect((await first).status).toBe(200);
    expect(turns).toHaveLength(1);
  });

  test('is another’s › where another key names it', async () => {
    const { post, key, turns } = await startNaming();
    const mine = { headers: { 'x-switchboard-session': 's' } };
    for (const name of ['ada', 'bob']) await post([user('one')], { ...mine, key: await key(name) });
    expect(new Set(turns.map(({ sessionId }) => sessionId)).size).toBe(2);
  });

  test('and that the broker has not seen › brings its history once, the newest mebibyte of it', async () => {
    const { post, turns } = await startNaming();
    const mine = { headers: { 'x-switchboard-session': 's' } };
    const long = Array.from({ length: 40 }, (_, at) => user(`${at} ${'x'.repeat(50_000)}`));
    await post([...long, { role: 'assistant', content: null, tool_calls: [call] }, tool, user('now')], mine);
    const history = turns[0]?.context.history as { role: string; content: string }[];
    expect(Buffer.byteLength(JSON.stringify(history))).toBeLessThanOrEqual(1024 * 1024);
    expect(history.length).toBe(22);
    expect(history.slice(-2)).toEqual([
      { role: 'assistant', content: '[called clock({"at":"here"})]' },
      { role: 'tool', content: 'noon' },
    ]);
    expect(history.at(-3)?.content.startsWith('39 ')).toBe(true);
    expect(turns[0]?.prompt).toBe('now');
    await post([...long, user('again')], mine);
    expect(turns[1]?.context.history).toBeUndefined();
  });
});

const call = { id: 'cb-0', type: 'function', function: { name: 'clock', arguments: '{"at":"here"}' } };
const tool = { role: 'tool', tool_call_id: 'cb-0', content: 'noon' };

test('transcripts › are kept so many and so long', () => {
  let now = 0;
  const transcripts = new Transcripts(() => now);
  for (let at = 0; at < 20; at += 1) transcripts.keep('alike', `s${at}`);
  expect(transcripts.take('alike')).toBe('s4');
  for (let at = 0; at < 10_000; at += 1) transcripts.keep(`t${at}`, 's');
  expect(transcripts.take('alike')).toBeUndefined();
  expect(transcripts.take('t1')).toBe('s');
  expect(transcripts.take('t1')).toBeUndefined();
  now = 24 * 60 * 60_000;
  expect(transcripts.take('t2')).toBeUndefined();
});
