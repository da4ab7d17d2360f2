import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ChatEvent } from '../../client/node.ts';
import { rejection } from '../client/real-broker.ts';
import { AcpScene, bare, type Step } from './acp-scene.ts';
import { gone } from './gone.ts';

const OPTIONS = [
  { optionId: 'always', name: 'Always', kind: 'allow_always' },
  { optionId: 'once', name: 'Once', kind: 'allow_once' },
  { optionId: 'never', name: 'Never', kind: 'reject_always' },
  { optionId: 'no', name: 'No', kind: 'reject_once' },
];
const CALL = { toolCallId: 'c1', title: 'Write x', kind: 'edit', rawInput: { path: 'x' } };

describe('a permission that an agent asks for', () => {
  it('is an approval, with the options that it gave, of a call that was announced or not', async () => {
    const scene = await AcpScene.start();
    const chat = scene.chat([
      ['ask', { toolCall: CALL, options: OPTIONS }],
      ['ask', { toolCall: { toolCallId: 'c1' }, options: OPTIONS }],
    ]);
    const events: Record<string, unknown>[] = [];
    for await (const event of chat) {
      events.push(bare(event));
      if (event.kind === 'approval_pending') await chat.approve(String(event.approval_id), true);
    }
    const details = {
      ...{ bridge: 'acp', call_id: 'c1', title: 'Write x', tool_kind: 'edit' },
      ...{ options: OPTIONS, approve_option: 'once' },
    };
    const pending = {
      kind: 'approval_pending',
      approval_id: expect.any(String),
      tool: 'Write x',
      params: { path: 'x' },
      details,
    };
    const resolved = { kind: 'approval_resolved', approval_id: expect.any(String), resolution: 'approve' };
    expect(events.map(({ gate, ...event }) => event)).toEqual([
      { kind: 'tool_call', call_id: 'c1', tool: 'Write x', title: 'Write x', tool_kind: 'edit', params: { path: 'x' } },
      ...[pending, resolved, { kind: 'token', delta: '{"outcome":"selected","optionId":"once"}' }],
      ...[pending, resolved, { kind: 'token', delta: '{"outcome":"selected","optionId":"once"}' }],
      { kind: 'tool_result', call_id: 'c1', tool: 'Write x', ok: false },
      { kind: 'done', finish_reason: 'stop' },
    ]);
  });

  it('takes the option that was meant', async () => {
    const scene = await AcpScene.start();
    const answers = [
      ['yes', true, undefined, 'once'],
      ['yes, naming another yes', true, { option_id: 'always' }, 'always'],
      ['yes, naming a no', true, { option_id: 'never' }, 'once'],
      ['no', false, undefined, 'no'],
      ['no, naming a yes', false, { option_id: 'always' }, 'no'],
      ['no, naming another no', false, { option_id: 'never' }, 'never'],
    ] as const;
    for (const [what, decision, answer, taken] of answers) {
      const chat = scene.chat([['ask', { toolCall: CALL, options: OPTIONS }]]);
      let text = '';
      for await (const event of chat) {
        if (event.kind === 'approval_pending') await chat.approve(String(event.approval_id), decision, { answer });
        if (event.kind === 'token') text += event.delta;
      }
      expect(text, what).toBe(`{"outcome":"selected","optionId":"${taken}"}`);
    }
  });

  it('that offers no such option › takes what holds for ever only where there is nothing else, and says so before', async () => {
    const scene = await AcpScene.start();
    const [always, , , no] = OPTIONS;
    const chat = scene.chat([
      ['ask', { toolCall: CALL, options: [always] }],
      ['ask', { toolCall: CALL, options: [always] }],
      ['ask', { toolCall: CALL, options: [no] }],
      ['ask', { toolCall: CALL, options: 'none' }],
    ]);
    const decisions = [true, false, true, true];
    const said: unknown[] = [];
    for await (const event of chat) {
      if (event.kind === 'approval_pending') {
        said.push((event.details as Record<string, unknown>).approve_option);
        await chat.approve(String(event.approval_id), decisions.shift() ?? false);
      }
      if (event.kind === 'token') said.push(event.delta);
    }
    expect(said).toEqual([
      ...['always', '{"outcome":"selected","optionId":"always"}'],
      ...['always', '{"outcome":"cancelled"}'],
      ...[undefined, '{"outcome":"cancelled"}'],
      ...[undefined, '{"outcome":"cancelled"}'],
    ]);
  });

  it('that is too large to be shown › is asked without what would be done', async () => {
    const scene = await AcpScene.start();
    const chat = scene.chat([['askMuch', { toolCall: CALL, options: OPTIONS }, 17 * 1024 * 1024]]);
    let asked: unknown;
    for await (const event of chat) {
      if (event.kind !== 'approval_pending') continue;
      asked = bare(event);
      await chat.approve(String(event.approval_id), false);
    }
    expect(asked).toMatchObject({ tool: 'Write x', details: { call_id: 'c1', options: OPTIONS } });
    expect(JSON.stringify(asked).length).toBeLessThan(10_000);
  });

  it('of a turn that is cancelled › is answered as cancelled, before the agent hears of the cancel', async () => {
    const scene = await AcpScene.start();
    const chat = scene.chat([['ask', { toolCall: CALL, options: OPTIONS }], ['wait']]);
    for await (const event of chat) if (event.kind === 'approval_pending') await chat.cancel();
    await scene.chat([['say', 'next']]).text();
    const heard = scene.heard();
    const [answered, cancelled] = [
      heard.findIndex((line) => line.startsWith('outcome')),
      heard.findIndex((line) => line.startsWith('session/cancel')),
    ];
    expect(heard[answered]).toBe('outcome {"outcome":"cancelled"}');
    expect(answered).toBeLessThan(cancelled);
  });
});

/** Cancels a turn at its first event of this kind. */
async function cancelAt(chat: ReturnType<AcpScene['chat']>, kind: string, grace?: number): Promise<ChatEvent[]> {
  const events: ChatEvent[] = [];
  for await (const event of chat) {
    events.push(event);
    if (event.kind === kind) await chat.cancel(grace === undefined ? {} : { graceMs: grace });
  }
  return events;
}

describe('a cancelled turn', () => {
  it('ends; what comes of it later is dropped, and the session’s next turn waits until the agent has answered', async () => {
    const scene = await AcpScene.start();
    const session = { sessionId: 'one' };
    const events = await cancelAt(
      scene.chat(
        [
          ['say', 'x'],
          ['wait', 300],
          ['say', 'late'],
        ],
        session,
      ),
      'token',
    );
    expect(events.at(-1)).toMatchObject({ kind: 'done', finish_reason: 'cancelled' });
    expect(await scene.chat([['say', 'next']], session).text()).toBe('next');
    expect(scene.heard().filter((line) => /^session\/(prompt|cancel)/.test(line)).length).toBe(3);
  });

  it('with grace ends as the agent ends it', async () => {
    const scene = await AcpScene.start();
    const events = await cancelAt(scene.chat([['say', 'x'], ['wait']]), 'token', 10_000);
    expect(events.at(-1)).toMatchObject({ kind: 'done', finish_reason: 'cancelled' });
    expect(events.at(-1)).not.toHaveProperty('synthesized');
  });

  it('that the agent does not end › costs it its process; the next turn has another', async () => {
    const scene = await AcpScene.start({ resume: true }, { 'cancel-grace': 100 });
    const session = { sessionId: 'one' };
    await cancelAt(scene.chat([['say', 'x'], ['hang']], session), 'token');
    expect(await scene.chat([['tell', 'isResumed']], session).text()).toBe('true');
  });

  it('that takes longer than turns may › ends in an error, and the agent is told to stop', async () => {
    const scene = await AcpScene.start({}, { 'turn-timeout': 200 });
    const events = await scene.events([['wait']]);
    expect(events).toEqual([{ kind: 'error', code: 'agent_error', error: 'the turn took longer than 200 ms' }]);
    expect(await scene.chat([['say', 'next']]).text()).toBe('next');
  });
});

describe('a process that ends', () => {
  it('in the middle of a turn › ends it, so that it may be tried again, and takes its children along; the next turn has another', async () => {
    const scene = await AcpScene.start();
    const session = { sessionId: 'one' };
    const steps: Step[] = [['stderr', 'oh dear'], ['child'], ['exit', 3]];
    const events = await scene.events(steps, session);
    expect(events.at(-1)).toEqual({
      ...{ kind: 'error', code: 'agent_exited', retryable: true, error: 'agent process exited with code 3' },
    });
    await gone(Number(events[0]?.delta));
    const again = await scene.events([['say', 'again']], session);
    expect(again).toEqual([
      { kind: 'notice', severity: 'warning', title: 'the agent starts this conversation anew' },
      { kind: 'token', delta: 'again' },
      { kind: 'done', finish_reason: 'stop' },
    ]);
    expect(scene.join.status.lastWords).toBe('oh dear');
  });

  it.each([
    [{ resume: true }, 'isResumed', 'true', []],
    [{ load: 'works' }, 'isLoaded', 'true', []],
    [{ load: 'late' }, 'isLoaded', 'true', []],
    [{ load: 'refuses' }, 'isLoaded', undefined, ['notice']],
    [{}, 'isLoaded', undefined, ['notice']],
  ])(
    'of an agent that is %j › is followed by one that goes on, as far as that agent can',
    async (is, what, told, notices) => {
      const scene = await AcpScene.start(is);
      const session = { sessionId: 'one' };
      await scene.events([['exit', 0]], session);
      const events = await scene.events([['tell', what]], session);
      const texts = events.filter(({ kind }) => kind === 'token').map(({ delta }) => delta);
      expect(texts).toEqual(told === undefined ? [] : [told]);
      expect(events.filter(({ kind }) => kind === 'notice').map(({ kind }) => kind)).toEqual(notices);
      const why = scene.lines.filter(({ words }) => words.includes('does not take a session up again'));
      expect(why.map(({ fields }) => fields.reason)).toEqual(
        JSON.stringify(is).includes('refuses') ? ['no such session'] : [],
      );
    },
  );

  it('by itself leaves its last words for people to see; one that was asked to does not', async () => {
    const scene = await AcpScene.start({ resume: true }, { idle: 1 });
    await scene.events([
      ['stderr', 'all is well'],
      ['say', 'x'],
    ]);
    while (scene.join.status.processes?.length !== 0) await delay(20);
    expect(scene.join.status.lastWords).toBe(undefined);
    await scene.events([
      ['stderr', 'oh no'],
      ['exit', 3],
    ]);
    expect(scene.join.status.lastWords).toBe('oh no');
  });

  it('three times within a minute › has turns refused for a while', async () => {
    const scene = await AcpScene.start();
    for (let count = 0; count < 3; count++) await scene.events([['exit', 1]]);
    const refusal = await rejection(scene.chat([['say', 'x']]).text());
    expect(refusal).toMatchObject({ code: -32012 });
    expect(JSON.stringify(refusal)).toContain('has ended 3 times within a minute');
  });
});
