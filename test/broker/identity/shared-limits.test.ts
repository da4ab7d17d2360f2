import { describe, expect, test } from 'vitest';
import type { SharedLimits } from '../../../broker.ts';
import { type LinkedClient, openChat, settle } from '../../support/linked.ts';
import { start } from './people.ts';

/** A broker with these limits, its agent of tenant `acme`, and people. */
async function scene(sharedLimits: SharedLimits) {
  const people = start({ sharedLimits });
  const echo = await people.join('@acme', 'echo');
  let count = 0;
  const chat = (who: LinkedClient, params: object = {}) => {
    count += 1;
    return openChat(who, echo, { agent_id: 'echo', session_id: `s-${count}`, ...params });
  };
  /** A chat that must be refused, as its refusal's data. */
  const refused = async (who: LinkedClient, params: object = {}) => {
    count += 1;
    const answer = await who.call('agents.chat', {
      agent_id: 'echo',
      prompt: 'hi',
      session_id: `s-${count}`,
      ...params,
    });
    expect(answer.error?.code).toBe(-32020);
    return answer.error.data;
  };
  const end = async () => {
    const { session_id, turn_id } = echo.lastChat().params;
    echo.emit(session_id, { turn_id, kind: 'done', finish_reason: 'stop' });
    await settle();
  };
  return { ...people, echo, chat, refused, end };
}

describe('identity.chats › of one person', () => {
  test('by two connections › are counted together, and let in again when told', async () => {
    const { join, chat, refused, advance, end } = await scene({ 'identity.chats': 2 });
    const [one, two] = [await join('ann@acme'), await join('ann@acme')];
    await chat(one);
    await end();
    await chat(two);
    await end();
    const data = await refused(one);
    expect(data).toEqual({ limit: { name: 'identity.chats', value: 2 }, retry_after_ms: 500 });
    await advance(499);
    expect(await refused(two)).toMatchObject({ retry_after_ms: 1 });
    await advance(1);
    await chat(one);
    expect((await refused(two)).retry_after_ms).toBe(500);
  });

  test('that goes and comes back › are remembered', async () => {
    const { join, chat, refused } = await scene({ 'identity.chats': 1 });
    const first = await join('ann@acme');
    await chat(first);
    first.close();
    await settle();
    expect(await refused(await join('ann@acme'))).toMatchObject({ limit: { name: 'identity.chats' } });
  });

  test('somebody else, and the same name in another tenant › have their own', async () => {
    const { join, chat, refused } = await scene({ 'identity.chats': 1 });
    const [ann, bob, namesake] = [await join('ann@acme'), await join('bob@acme'), await join('ann@other')];
    const theirs = await join('@other', 'echo');
    await chat(ann);
    await refused(ann);
    await chat(bob);
    await openChat(namesake, theirs, { agent_id: 'echo', session_id: 's' });
  });

  test('the daemon’s own person › has none', async () => {
    const { broker, host, join, chat, agent } = await scene({ 'identity.chats': 1, 'tenant.chats': 1 });
    const echo = await agent('echo');
    const local = await host();
    for (let n = 0; n < 5; n += 1) {
      const opened = await openChat(local, echo, { agent_id: 'echo', session_id: `local-${n}` });
      expect(opened).toMatchObject({ accepted: true });
    }
    await chat(await join('ann@acme'));
    expect(broker.version).toBeTypeOf('string');
  });

  test('one that takes the place of another › counts, too', async () => {
    const { join, chat, refused } = await scene({ 'identity.chats': 2 });
    const ann = await join('ann@acme');
    await chat(ann, { session_id: 'main' });
    await chat(ann, { session_id: 'main', on_busy: 'replace' });
    expect(await refused(ann, { session_id: 'main', on_busy: 'replace' })).toMatchObject({ retry_after_ms: 500 });
  });
});

describe('tenant.chats › of all people of a tenant', () => {
  test('are counted together, and another tenant has its own', async () => {
    const { join, chat, refused, advance } = await scene({ 'identity.chats': 10, 'tenant.chats': 2 });
    const [ann, bob, namesake] = [await join('ann@acme'), await join('bob@acme'), await join('ann@other')];
    const theirs = await join('@other', 'echo');
    await chat(ann);
    await chat(bob);
    expect(await refused(ann)).toEqual({ limit: { name: 'tenant.chats', value: 2 }, retry_after_ms: 500 });
    await openChat(namesake, theirs, { agent_id: 'echo', session_id: 's' });
    await advance(500);
    await chat(bob);
  });

  test('what the tenant has no room for › is not taken from the person', async () => {
    const { join, chat, refused, advance } = await scene({ 'identity.chats': 1, 'tenant.chats': 2 });
    const [ann, bob, cid] = [await join('ann@acme'), await join('bob@acme'), await join('cid@acme')];
    await chat(ann);
    await chat(bob);
    expect(await refused(cid)).toMatchObject({ limit: { name: 'tenant.chats' }, retry_after_ms: 500 });
    await advance(500);
    await chat(cid);
  });
});

describe('identity.turns › of one person', () => {
  test('by several connections › are counted together, those that wait as well, until they end', async () => {
    const { join, chat, refused, end } = await scene({ 'identity.turns': 3 });
    const [one, two] = [await join('ann@acme'), await join('ann@acme')];
    await chat(one, { session_id: 'main' });
    one.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 'main', on_busy: 'queue' });
    await settle();
    await chat(two);
    expect(await refused(one)).toEqual({ limit: { name: 'identity.turns', value: 3 } });
    // In the place of one is not one more.
    await chat(one, { session_id: 'main', on_busy: 'replace' });
    await refused(two);
    // The one that waited begins, and another may come.
    await end();
    await chat(two);
    await refused(one);
  });

  test('whose connection goes › are free', async () => {
    const { join, chat, refused } = await scene({ 'identity.turns': 1 });
    const [one, two] = [await join('ann@acme'), await join('ann@acme')];
    await chat(one);
    await refused(two);
    one.close();
    await settle();
    await chat(two);
  });

  test('that wait for their host › count on', async () => {
    const { join, chat, refused, advance } = await scene({ 'tenant.turns': 1 });
    const [one, two] = [await join('ann@acme'), await join('bob@acme')];
    await chat(one, { resume_window_ms: 5_000 });
    one.close();
    await settle();
    expect(await refused(two)).toEqual({ limit: { name: 'tenant.turns', value: 1 } });
    await advance(5_000);
    await chat(two);
  });
});

describe('identity.deltas › in the turns of one person', () => {
  test('are all passed on, and the next chat waits until they are paid for', async () => {
    const { join, chat, refused, echo, advance } = await scene({ 'identity.deltas': 10 });
    const [one, two] = [await join('ann@acme'), await join('ann@acme')];
    const bob = await join('bob@acme');
    await chat(one, { session_id: 'main' });
    const { session_id, turn_id } = echo.lastChat().params;
    for (let n = 0; n < 25; n += 1) echo.emit(session_id, { turn_id, kind: 'token', delta: 'x' });
    await settle();
    expect(one.events('main')).toHaveLength(25);
    expect(await refused(two)).toEqual({ limit: { name: 'identity.deltas', value: 10 }, retry_after_ms: 1_500 });
    // Nor in the place of the live one.
    await refused(one, { session_id: 'main', on_busy: 'replace' });
    await chat(bob);
    await advance(1_500);
    await chat(two);
  });
});

describe('tool calls', () => {
  const tools = [{ name: 'look', description: '', parameters: {} }];

  /** A person whose agent may call a tool in a live turn. */
  async function withTool(sharedLimits: SharedLimits) {
    const all = await scene(sharedLimits);
    const open = async (who: LinkedClient) => {
      await who.ok('tools.register', tools);
      await all.chat(who);
      const { session_id } = all.echo.lastChat().params;
      return async () => {
        const id = all.echo.post('tools.execute', { session_id, tool: 'look', parameters: {} });
        await settle();
        const asked = who.received('tools.execute').at(-1);
        if (!all.echo.replyTo(id)) who.answer(asked, { ok: true });
        await settle();
        return all.echo.replyTo(id);
      };
    };
    return { ...all, open };
  }

  test('identity.tools › in all turns of one person are counted together, and nobody else’s', async () => {
    const { join, open, advance } = await withTool({ 'identity.tools': 2 });
    const [one, two] = [await open(await join('ann@acme')), await open(await join('ann@acme'))];
    const other = await open(await join('bob@acme'));
    expect(await one()).toHaveProperty('result');
    expect(await two()).toHaveProperty('result');
    const { error } = await two();
    expect(error).toMatchObject({
      code: -32020,
      data: { limit: { name: 'identity.tools', value: 2 }, retry_after_ms: 500 },
    });
    expect(await other()).toHaveProperty('result');
    await advance(500);
    expect(await one()).toHaveProperty('result');
  });

  test('agent.tools and tenant.tools › in whosever turns', async () => {
    for (const name of ['agent.tools', 'tenant.tools'] as const) {
      const { join, open } = await withTool({ [name]: 2 });
      const [one, two] = [await open(await join('ann@acme')), await open(await join('bob@acme'))];
      expect(await one()).toHaveProperty('result');
      expect(await two()).toHaveProperty('result');
      expect((await one()).error.data.limit.name).toBe(name);
    }
  });
});

describe('bytes › by a link that cannot be held up', () => {
  test('have its requests refused until they are paid for', async () => {
    const { join, advance } = await scene({ 'identity.bytes': 1_000 });
    const [one, two] = [await join('ann@acme'), await join('ann@acme')];
    const bob = await join('bob@acme');
    await one.ok('agents.list', { x: 'x'.repeat(2_000) });
    const { error } = await two.call('agents.list');
    expect(error).toMatchObject({ code: -32020, data: { limit: { name: 'identity.bytes', value: 1_000 } } });
    await bob.ok('agents.list');
    await advance(error.data.retry_after_ms + 100);
    await two.ok('agents.list');
  });
});
