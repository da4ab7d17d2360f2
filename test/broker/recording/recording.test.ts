import { describe, expect, test } from 'vitest';
import { inspectTurnResult, inspectTurnsResult } from '../../../protocol/recording.ts';
import { openChat, settle, startLinked } from '../../support/linked.ts';

describe('a recorded turn › when it has ended', () => {
  test('nobody watched › then what happened is there, in order', async () => {
    const linked = startLinked({ record: true });
    const manager = await linked.manager();
    const host = await linked.host();
    const agent = await linked.agent('echo');
    const { turn_id } = await openChat(host, agent, { agent_id: 'echo', session_id: 's', prompt: 'what time is it?' });
    agent.emit('s', { kind: 'token', delta: 'Hello ' });
    agent.emit('s', { kind: 'token', delta: 'world' });
    await settle();
    agent.emit('s', { kind: 'done' });
    await settle();
    const { turns } = inspectTurnsResult.parse(await manager.ok('inspect.turns', {}));
    expect(turns).toMatchObject([{ turn_id, state: 'done', prompt: 'what time is it?', tokens: 2 }]);
    const { records } = inspectTurnResult.parse(await manager.ok('inspect.turn', { turn_id }));
    expect(records.map(({ sequence }) => sequence)).toEqual(records.map((_, at) => at + 1));
    expect(records).toContainEqual(expect.objectContaining({ type: 'text', text: 'Hello world', count: 2 }));
    expect(records.at(-1)).toMatchObject({ type: 'ended', status: 'done', state: ['done'] });
  });
});
