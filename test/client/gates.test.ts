import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ChatGates, labelOf } from '../../client/chat-gates.ts';
import { type ChatEvent, ErrorCode } from '../../client/node.ts';
import { RealBroker, rejection } from './real-broker.ts';

const GATED = { approvals: { methods: ['tools.execute:clock', 'messages.send'] } };

/** A chat whose agent uses a tool that the gate holds back, or a method. */
async function scene() {
  const real = await RealBroker.start(GATED);
  real.broker.method('messages.send', { schema: z.looseObject({}), handler: () => 'sent' });
  const agent = await real.agent(async (turn) => {
    const work =
      turn.prompt === 'tool'
        ? turn.tools.call('clock')
        : agent.request('messages.send', { session_id: turn.sessionId });
    turn.token(await work.then(String, (error) => `refused: ${error.code}`));
  });
  const host = await real.host();
  await host.tool('clock', { description: 'time' }, () => 'noon');
  return { real, host };
}

const told = (event: ChatEvent) => {
  const { kind, resolution, delta } = event as { kind: string; resolution?: string; delta?: string };
  return [kind, resolution ?? delta].filter((part) => part !== undefined);
};

describe('chat.approve › of what the gate holds back', () => {
  it.each([
    ['tool', true, ['gate_resolved', 'approve'], 'noon'],
    ['tool', 'yes', ['gate_resolved', 'approve'], 'noon'],
    ['tool', false, ['gate_resolved', 'deny'], 'refused: -32003'],
    ['method', '', ['gate_resolved', 'deny'], 'refused: -32003'],
    ['method', true, ['gate_resolved', 'approve'], 'sent'],
  ] as const)('a %s, %j › tells the broker', async (prompt, decision, settled, text) => {
    const { host } = await scene();
    const chat = host.chat('echo', prompt);
    const seen: unknown[] = [];
    for await (const event of chat) {
      seen.push(told(event));
      if (event.kind === 'gate_pending') expect(await chat.approve(event.approval_id, decision)).toBe(true);
    }
    expect(seen).toEqual([['gate_pending'], settled, ['token', text], ['done']]);
  });

  it('when somebody was faster › rejects with -32016', async () => {
    const { real, host } = await scene();
    const chat = host.chat('echo', 'tool');
    const events = chat[Symbol.asyncIterator]();
    const { value } = await events.next();
    const id = value?.kind === 'gate_pending' ? value.approval_id : '';
    await (await real.manager()).resolveApproval(id, 'deny');
    // The event that says so may not be here yet; either way nothing pends under that id.
    expect(await rejection(chat.approve(id, true))).toMatchObject({ code: ErrorCode.ApprovalNotPending });
  });
});

describe('host.resume › while the gate holds something back', () => {
  it('asks again, and goes on', async () => {
    const { real, host } = await scene();
    const chat = host.chat('echo', 'method', { resumable: true, resumeWindowMs: 60_000 });
    const events = chat[Symbol.asyncIterator]();
    const { value: first } = await events.next();
    const { handle } = chat;
    if (!handle) throw new Error('no handle');
    await host.close();
    const again = (await real.host()).resume(handle);
    const seen: unknown[] = [];
    for await (const event of again) {
      seen.push(told(event));
      if (event.kind !== 'gate_pending') continue;
      expect(event).toEqual(first);
      await again.approve(event.approval_id, true);
    }
    expect(seen).toEqual([['gate_pending'], ['gate_resolved', 'approve'], ['token', 'sent'], ['done']]);
  });
});

describe('turn.event › of a kind that is the broker’s own', () => {
  it('throws', async () => {
    const real = await RealBroker.start();
    await real.agent(async (turn) => {
      expect(() => turn.event({ kind: 'gate_resolved', approval_id: 'x', resolution: 'approve' })).toThrow(TypeError);
    });
    expect(await (await real.host()).chat('echo', 'go').text()).toBe('');
  });
});

describe('what a chat knows of the gate', () => {
  const turn = { session_id: 's', turn_id: 't', agent_id: 'a' };
  const pending = (approval_id: string, synthesized = true) =>
    ({
      ...turn,
      kind: 'gate_pending',
      approval_id,
      action: 'x',
      details: {},
      expires_at: '',
      synthesized,
    }) as ChatEvent;

  it('gives each once, however often it is told', () => {
    const gates = new ChatGates();
    expect([gates.note(pending('1')), gates.note(pending('1')), gates.note(pending('2'))]).toEqual([true, false, true]);
    expect(gates.has('1')).toBe(true);
  });

  it('when it was settled while there was no connection › says that it is over', () => {
    const gates = new ChatGates();
    for (const id of ['1', '2']) gates.note(pending(id));
    const over = [...gates.settledMeanwhile([pending('2')])];
    expect(over).toEqual([
      { ...turn, kind: 'gate_resolved', approval_id: '1', resolution: 'withdrawn', synthesized: true },
    ]);
    for (const event of over) gates.note(event);
    expect([...gates.settledMeanwhile([])].map(({ approval_id }) => approval_id)).toEqual(['2']);
    expect(gates.has('1')).toBe(true);
  });

  it('when an agent’s event passes itself off as the broker’s › it is none', () => {
    const gates = new ChatGates();
    gates.note(pending('1', false));
    expect(gates.has('1')).toBe(false);
  });

  it.each([
    [true, 'approve'],
    ['approved', 'approve'],
    [false, 'deny'],
    ['', 'deny'],
    ['not today', 'not today'],
  ])('%j is said as %j', (decision, label) => {
    expect(labelOf(decision)).toBe(label);
  });
});
