import { describe, expect, test } from 'vitest';
import { settle, startLinked } from '../../support/linked.ts';
import { inShort, startRecorded, textOf } from './recording-scene.ts';

const SECRET = 'sk-live-0123456789abcdef';

describe('a recorded turn › when it is opened again', () => {
  test('nobody watched › then what was asked, said, called, approved and answered is there, in order', async () => {
    const { ask, open, say, end, execute, asked, host, agent, linked } = await startRecorded();
    const turnId = await open('s', { prompt: 'what time is it?' });
    await linked.advance(200);
    await say('s', 'I ', 'look. ');
    await execute({ tool: 'clock', parameters: { zone: 'UTC', api_key: SECRET } });
    host.answer(asked(), { time: 'noon', note: 'x'.repeat(3_000) });
    await settle();
    await execute({ tool: 'gated' });
    const [row] = (await host.ok('host.approvals')).approvals;
    await linked.advance(5_000);
    await host.ok('host.resolve_approval', { approval_id: row.id, resolution: 'approve' });
    host.send({ jsonrpc: '2.0', id: asked().id, error: { code: -1, message: 'it is broken' } });
    await settle();
    await say('s', 'It is noon.');
    await end('s', { kind: 'error', error: 'no more', code: 'tired' });
    agent.close();
    await settle();

    const { turns, kept } = await ask.turns();
    expect(kept).toMatchObject({ turns: 1, dropped: 0, on_disk: false });
    expect(turns).toMatchObject([
      {
        turn_id: turnId,
        session_id: 's',
        agent_id: 'echo',
        principal: 'local',
        prompt: 'what time is it?',
        state: 'failed',
        first_token_ms: 200,
        streaming_ms: 5_000,
        tokens: 3,
        tools: 2,
        tools_failed: 1,
        tool_names: ['clock', 'gated'],
        approvals: 1,
        waited_ms: 5_000,
        error: { code: 'tired', message: 'no more' },
      },
    ]);
    const log = await ask.turn(turnId);
    expect(log.records.map(({ sequence }) => sequence)).toEqual(log.records.map((_, at) => at + 1));
    expect(log.next).toBe(log.records.length);
    expect(log.actors.map(({ machine }) => machine)).toEqual(['broker', 'connection', 'connection']);
    expect(Object.keys(log.machines)).toContain('callback');
    const short = inShort(log);
    const places = [
      'outside > connection rpc.request',
      'connection > broker rpc.request',
      'turn started',
      'turn > connection rpc.call',
      'turn -> live.host.here live.agent.here live.work.streaming',
      'text 2',
      'turn > connection rpc.reply',
      'callback started',
      'callback > connection rpc.call',
      'connection > callback call.answered',
      'callback -> resolved',
      'approval started',
      'approval -> approved',
      'callback -> rejected',
      'text 1',
      'broker > turn turn.terminal',
      'turn -> failed',
      'turn ended done',
    ];
    for (const one of places) expect(short, one).toContain(one);
    const text = JSON.stringify(log);
    // A tool's result is to be read; a secret is not.
    expect(text).toContain('x'.repeat(3_000));
    expect(text).toContain('it is broken');
    expect(text).not.toContain(SECRET);
    expect(textOf(log.records)).toBe('I look. It is noon.');
  });

  test('its agent ran a tool of its own › then it is found by that, and what it calls through the broker counts once', async () => {
    const { ask, open, end, execute, asked, host, agent } = await startRecorded();
    const turnId = await open('s');
    agent.emit('s', { kind: 'tool_call', tool: 'grep', call_id: 'c1' });
    agent.emit('s', { kind: 'tool_result', tool: 'grep', call_id: 'c1', ok: false, excerpt: 'no match' });
    agent.emit('s', { kind: 'tool_call', tool: 'clock', call_id: 'c2' });
    await execute({ tool: 'clock' });
    host.answer(asked(), 'noon');
    agent.emit('s', { kind: 'tool_result', tool: 'clock', call_id: 'c2', ok: true });
    await end('s');
    const { turns } = await ask.turns({ tool: 'grep' });
    expect(turns).toMatchObject([{ turn_id: turnId, tools: 2, tools_failed: 1, tool_names: ['grep', 'clock'] }]);
  });

  test('its agent went › then so do the close code, and what that brought about', async () => {
    const { ask, open, agent } = await startRecorded();
    const turnId = await open('s');
    agent.close();
    await settle();
    const log = await ask.turn(turnId);
    const short = inShort(log);
    const at = short.indexOf('outside > connection link.closed');
    expect(log.records[at]).toMatchObject({ payload: { code: 1000 } });
    expect(short.slice(at)).toContain('broker > turn agent.gone');
    expect(log.turn).toMatchObject({ state: 'failed', error: { code: 'agent_disconnected' } });
  });

  test('its agent refused it › then it is there as refused, with the error that its host had', async () => {
    const { ask, host, agent, manager } = await startRecorded();
    host.post('agents.chat', { agent_id: 'echo', session_id: 's', prompt: 'hi' });
    await settle();
    agent.send({ jsonrpc: '2.0', id: agent.lastChat().id, error: { code: -5, message: 'not today' } });
    await settle();
    const { turns } = await ask.turns({ state: ['refused'] });
    expect(turns).toMatchObject([{ state: 'refused', error: { message: expect.stringContaining('not today') } }]);
    expect((await manager.call('inspect.turn', { turn_id: 'turn-of-nobody' })).error.code).toBe(-32014);
  });
});

describe('a recorded turn › while it is live', () => {
  test('one comes in the middle › then what was before is there, and what follows comes by `after`', async () => {
    const { ask, open, say, end } = await startRecorded();
    const turnId = await open('s');
    await say('s', 'one ', 'two ');
    const before = await ask.turn(turnId);
    expect(before.turn.state).toBe('streaming');
    expect(before.turn.ended_at).toBeUndefined();
    expect(textOf(before.records)).toBe('one two ');
    await say('s', 'three ');
    await end('s');
    const after = await ask.turn(turnId, before.next);
    expect(after.machines).toEqual({});
    expect(after.actors).toEqual([]);
    expect(after.records[0]?.sequence).toBe(before.next + 1);
    const whole = await ask.turn(turnId);
    expect(whole.records).toEqual([...before.records, ...after.records]);
    expect(textOf(whole.records)).toBe('one two three ');
    expect(await ask.turn(turnId, whole.next)).toMatchObject({ records: [], next: whole.next });
  });

  test('a secret is said in pieces, and one looks in between › then neither half of it is shown', async () => {
    const { ask, open, say, end } = await startRecorded();
    const turnId = await open('s');
    await say('s', 'the key is ', SECRET.slice(0, 12));
    expect(textOf((await ask.turn(turnId)).records)).toBe('the key is ');
    await say('s', SECRET.slice(12), '!');
    await end('s');
    const text = textOf((await ask.turn(turnId)).records);
    expect(text).toBe('the key is [redacted]!');
  });

  test('a character comes in two halves › then it is one', async () => {
    const { ask, open, say, end } = await startRecorded();
    const turnId = await open('s');
    await say('s', 'a\ud83d', '\ude00b');
    await end('s');
    expect(textOf((await ask.turn(turnId)).records)).toBe('a😀b');
  });

  test('its text pauses › then that can be seen', async () => {
    const { ask, open, say, end, linked } = await startRecorded();
    const turnId = await open('s');
    await say('s', 'one ');
    await linked.advance(3_000);
    await say('s', 'two');
    await end('s');
    const runs = (await ask.turn(turnId)).records.filter(({ type }) => type === 'text');
    expect(runs).toMatchObject([
      { text: 'one ', at: 0, until: 0 },
      { text: 'two', at: 3_000, until: 3_000 },
    ]);
  });
});

describe('inspect.turns › when one looks for some', () => {
  test('by agent, state, tool, time and words › then those, the newest first, and page by page', async () => {
    const { ask, open, say, end, linked, execute } = await startRecorded();
    const first = await open('a', { prompt: 'Find the NEEDLE' });
    await execute({ session_id: 'a' });
    await end('a');
    await linked.advance(1_000);
    const second = await open('b');
    await say('b', 'there is no nee');
    await linked.advance(2_000);
    await say('b', 'dle here');
    const third = await open('c');
    await end('c', { kind: 'error', error: 'a needle broke' });
    const fourth = await open('d');
    const ids = async (query: object) => (await ask.turns(query)).turns.map(({ turn_id }) => turn_id);
    expect(await ids({})).toEqual([fourth, third, second, first]);
    expect(await ids({ text: 'Needle' })).toEqual([third, second, first]);
    expect(await ids({ text: 'needle', state: ['done', 'failed'] })).toEqual([third, first]);
    expect(await ids({ text: 'haystack' })).toEqual([]);
    expect(await ids({ tool: 'clock' })).toEqual([first]);
    expect(await ids({ agent: 'other' })).toEqual([]);
    expect(await ids({ since: 1_000, until: 3_000 })).toEqual([second]);
    const page = await ask.turns({ limit: 3 });
    expect(page.turns.map(({ turn_id }) => turn_id)).toEqual([fourth, third, second]);
    const rest = await ask.turns({ limit: 3, cursor: page.cursor });
    expect(rest.turns.map(({ turn_id }) => turn_id)).toEqual([first]);
    expect(rest.cursor).toBeUndefined();
  });

  test('nothing is recorded, or one is no manager › then -32601', async () => {
    const manager = await startLinked().manager();
    expect((await manager.call('inspect.turns', {})).error.code).toBe(-32601);
    const { host, agent } = await startRecorded();
    for (const client of [host, agent]) {
      expect((await client.call('inspect.turns', {})).error.code).toBe(-32601);
      expect((await client.call('inspect.turn', { turn_id: 't' })).error.code).toBe(-32601);
    }
  });
});
