import { EventType } from '@ag-ui/client';
import { describe, expect, test } from 'vitest';
import { cancelled, repeat, startFronts } from '../front-scene.ts';
import { Page } from './page.ts';

const clock = { name: 'clock', description: 'tells the time', parameters: { type: 'object', properties: {} } };

describe('an AG-UI page › when it runs an agent', () => {
  test('then the answer is a message, and the next run is in the same session', async () => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', repeat);
    const page = new Page({ scene });
    await page.say('good day');
    expect(page.types).toEqual([
      'RUN_STARTED',
      'TEXT_MESSAGE_START',
      'TEXT_MESSAGE_CONTENT',
      'TEXT_MESSAGE_END',
      'RUN_FINISHED',
    ]);
    expect(page.events[0]).toMatchObject({ threadId: 'thread-1', runId: page.last?.runId });
    expect(page.last).toMatchObject({ outcome: { type: 'success' } });
    expect(page.agent.messages.at(-1)).toMatchObject({ role: 'assistant', content: 'good day' });
    await page.say('and again');
    expect(page.text).toBe('and again');
    expect(turns.map(({ sessionId, context }) => [sessionId, context.front])).toEqual([
      ['agui-thread-1', 'ag-ui'],
      ['agui-thread-1', 'ag-ui'],
    ]);
    expect(turns[1]?.context).not.toHaveProperty('history');
  });

  test('then the agent is told of its state and its context, and once of what was before', async () => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', repeat);
    const page = new Page({ scene, thread: 'of: this:' });
    page.agent.setState({ page: 3 });
    page.agent.setMessages([
      { id: 's', role: 'system', content: 'be kind' },
      { id: 'u', role: 'user', content: 'one' },
      { id: 'a', role: 'assistant', content: 'uno' },
    ]);
    page.agent.messages.push({
      id: 'p',
      role: 'user',
      content: [
        { type: 'text', text: 'see' },
        { type: 'image', source: { type: 'data', value: 'iVBORw0KGgo=', mimeType: 'image/png' } },
      ],
    });
    await page.run({ context: [{ description: 'where', value: 'here' }], forwardedProps: { deep: true } });
    expect(turns[0]).toMatchObject({
      prompt: 'see',
      params: { attachments: [{ type: 'image_base64', media_type: 'image/png', data: 'iVBORw0KGgo=' }] },
      context: {
        state: { page: 3 },
        context: [{ description: 'where', value: 'here' }],
        forwardedProps: { deep: true },
        instructions: 'be kind',
        history: [
          { role: 'user', content: 'one' },
          { role: 'assistant', content: 'uno' },
        ],
      },
    });
    expect(turns[0]?.sessionId).toMatch(/^agui-[\w-]{43}$/);
  });

  test('and a message that was answered is edited › then its agent begins anew, too', async () => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', repeat);
    const page = new Page({ scene });
    await page.say('one', {}, 'u1');
    await page.say('two', {}, 'u2');
    page.agent.setMessages(page.agent.messages.slice(0, 2));
    await page.say('three', {}, 'u3');
    const [, second, third] = turns;
    expect(third?.sessionId).not.toBe(second?.sessionId);
    expect(third?.context.history).toEqual([
      { role: 'user', content: 'one' },
      { role: 'assistant', content: 'one' },
    ]);
    await page.say('four', {}, 'u4');
    expect(turns[3]?.sessionId).toBe(third?.sessionId);
  });

  test('and it is edited whose id is too long to be kept › then its agent goes on', async () => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', repeat);
    const page = new Page({ scene });
    await page.say('one', {}, 'u1');
    await page.say('two', {}, 'u'.repeat(200));
    page.agent.setMessages(page.agent.messages.slice(0, 2));
    await page.say('three', {}, 'u3');
    expect(new Set(turns.map(({ sessionId }) => sessionId)).size).toBe(1);
  });

  test('and the agent does more than talk › then each of it is closed before the next', async () => {
    const scene = await startFronts();
    await scene.agent('echo', async (turn) => {
      turn.event({ kind: 'reasoning', delta: 'hm' });
      turn.token('see ');
      turn.event({ kind: 'tool_call', call_id: 'c1', tool: 'grep', params: { for: 'it' } });
      turn.event({ kind: 'tool_result', call_id: 'c1', tool: 'grep', ok: true, evidence: { found: 1 } });
      turn.event({ kind: 'tool_call', call_id: 'c2', tool: 'open' });
      turn.event({ kind: 'usage', input_tokens: 3, output_tokens: 4 });
      turn.event({ kind: 'todos', todos: [{ content: 'this', status: 'pending' }] });
      turn.event({ kind: 'notice', severity: 'info', title: 'by the way' });
      turn.event({ kind: 'done', finish_reason: 'length' });
    });
    const page = new Page({ scene });
    await page.say('go');
    const turnId = String(page.events.find(({ type }) => type === EventType.TOOL_CALL_START)?.toolCallId).split(':')[0];
    expect(page.events.slice(1)).toMatchObject([
      { type: 'REASONING_START' },
      { type: 'REASONING_MESSAGE_START', role: 'reasoning' },
      { type: 'REASONING_MESSAGE_CONTENT', delta: 'hm' },
      { type: 'REASONING_MESSAGE_END' },
      { type: 'REASONING_END' },
      { type: 'TEXT_MESSAGE_START', role: 'assistant' },
      { type: 'TEXT_MESSAGE_CONTENT', delta: 'see ' },
      { type: 'TEXT_MESSAGE_END' },
      { type: 'TOOL_CALL_START', toolCallId: `${turnId}:c1`, toolCallName: 'grep' },
      { type: 'TOOL_CALL_ARGS', delta: '{"for":"it"}' },
      { type: 'TOOL_CALL_END' },
      { type: 'TOOL_CALL_RESULT', toolCallId: `${turnId}:c1`, content: '{"found":1}', role: 'tool' },
      { type: 'TOOL_CALL_START', toolCallId: `${turnId}:c2` },
      { type: 'TOOL_CALL_ARGS', delta: '{}' },
      { type: 'TOOL_CALL_END' },
      { type: 'ACTIVITY_SNAPSHOT', activityType: 'PLAN', content: { todos: [{ content: 'this' }] } },
      { type: 'CUSTOM', name: 'switchboard.notice', value: { severity: 'info', title: 'by the way' } },
      { type: 'TOOL_CALL_RESULT', toolCallId: `${turnId}:c2` },
      {
        type: 'RUN_FINISHED',
        outcome: { type: 'success' },
        usage: [{ inputTokens: 3, outputTokens: 4 }],
        metadata: { finishedReason: 'length' },
      },
    ]);
  });

  test('and the turn fails › then so does the run, with the agent’s words', async () => {
    const scene = await startFronts();
    await scene.agent('echo', async (turn) => {
      turn.token('well');
      turn.event({ kind: 'error', error: 'out of ideas', code: 'model_error' });
    });
    const page = new Page({ scene });
    await page.say('go').catch(() => {});
    expect(page.types.slice(-2)).toEqual(['TEXT_MESSAGE_END', 'RUN_ERROR']);
    expect(page.last).toMatchObject({ message: 'out of ideas', code: 'model_error' });
  });

  test('and it aborts, or somebody else stops the turn › then the turn is cancelled', async () => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', async (turn) => {
      turn.token('one');
      if (turn.prompt === 'stop') turn.event({ kind: 'done', finish_reason: 'cancelled' });
      else await cancelled(turn);
    });
    const page = new Page({ scene });
    page.agent.subscribe({ onTextMessageContentEvent: () => page.agent.abortRun() });
    await page.say('go').catch(() => {});
    expect(await cancelled(turns[0] as never)).toBe('host_cancelled');
    const other = new Page({ scene, thread: 'another' });
    await other.say('stop');
    expect(other.last).toMatchObject({ type: 'RUN_FINISHED', metadata: { finishedReason: 'cancelled' } });
  });
});

describe('an AG-UI page › when the agent calls its tools', () => {
  test('then its run ends, and the next one goes on with the same turn', async () => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', async function* ({ tools }) {
      yield 'it is ';
      const answers = await Promise.all([tools.call('clock', { at: 'here' }), tools.call('clock', { at: 'there' })]);
      yield JSON.stringify(answers);
      yield String(await tools.call('clock', {}).catch(({ message }) => ` but ${message}`));
    });
    const page = new Page({ scene });
    await page.say('what time is it?', { tools: [clock] });
    const ids = page.calls;
    expect(page.events.filter(({ type }) => type === EventType.TOOL_CALL_ARGS)).toMatchObject([
      { toolCallId: ids[0], delta: '{"at":"here"}' },
      { toolCallId: ids[1], delta: '{"at":"there"}' },
    ]);
    page.result(ids[0] ?? '', 'noon');
    page.result(ids[1] ?? '', '{"hour": 3}');
    await page.run({ tools: [clock] });
    expect(page.text).toBe('["noon",{"hour":3}]');
    const more = page.calls;
    page.agent.messages.push({
      id: 'e',
      role: 'tool',
      toolCallId: more[0] ?? '',
      content: '',
      error: 'nobody is home',
    });
    await page.run({ tools: [clock] });
    expect(page.text).toBe(' but nobody is home');
    expect(turns).toHaveLength(1);
  });

  test('and the person says something else instead › then the turn is cancelled', async () => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', async function* ({ tools, prompt }) {
      if (prompt === 'time?') yield String(await tools.call('clock', {}));
      yield prompt;
    });
    const page = new Page({ scene });
    await page.say('time?', { tools: [clock] });
    await page.say('never mind');
    expect(page.text).toBe('never mind');
    expect(await cancelled(turns[0] as never)).toBe('host_cancelled');
  });
});

describe('an AG-UI page › when the agent asks for an approval', () => {
  test.each([
    [{ status: 'resolved' as const, payload: { approved: true, answer: { why: 'go on' } } }, 'true {"why":"go on"}'],
    [{ status: 'resolved' as const, payload: { approved: false } }, 'false undefined'],
    [{ status: 'resolved' as const, payload: 'yes' }, 'false undefined'],
    [{ status: 'cancelled' as const }, 'false undefined'],
  ])('and it resumes with %j › then the turn goes on with that', async (said, text) => {
    const scene = await startFronts();
    await scene.agent('echo', async (turn) => {
      turn.event({ kind: 'tool_call', call_id: 'c1', tool: 'rm' });
      const { approved, answer } = await turn.requestApproval({
        tool: 'rm',
        params: { path: '/' },
        action: 'removes it',
        details: { call_id: 'c1' },
        timeoutMs: 60_000,
      });
      turn.token(`${approved} ${JSON.stringify(answer)}`);
    });
    const page = new Page({ scene });
    await page.say('clean up');
    const [interrupt] = page.interrupts;
    expect(interrupt).toMatchObject({
      reason: 'approval',
      message: 'removes it',
      toolCallId: expect.stringMatching(/:c1$/),
      expiresAt: expect.stringMatching(/^\d{4}-.*Z$/),
      metadata: { tool: 'rm', params: { path: '/' } },
    });
    await page.run({ resume: [{ interruptId: interrupt?.id ?? '', ...said }] });
    expect(page.text).toBe(text);
    expect(page.last).toMatchObject({ outcome: { type: 'success' } });
  });

  test('and it leaves one out, or names one that there is not › then its run fails, and all stay open', async () => {
    const scene = await startFronts();
    await scene.agent('echo', async (turn) => {
      const decided = await Promise.all(['a', 'b'].map((id) => turn.requestApproval({ approvalId: id, action: id })));
      turn.token(decided.map(({ approved }) => approved).join());
    });
    const page = new Page({ scene });
    await page.say('go');
    expect(page.interrupts.map(({ id }) => id)).toEqual(['a', 'b']);
    const { messages } = page.agent;
    /** Another page of theirs, which knows nothing of what is open. */
    const run = async (resume: string[]) => {
      const other = new Page({ scene });
      other.agent.setMessages(messages);
      const entries = resume.map((id) => ({
        interruptId: id,
        status: 'resolved' as const,
        payload: { approved: true },
      }));
      await other.run({ resume: entries }).catch(() => {});
      return other;
    };
    for (const resume of [[], ['a']])
      expect((await run(resume)).last).toMatchObject({ type: 'RUN_ERROR', code: 'interrupt_open' });
    expect((await run(['a', 'b', 'c'])).last).toMatchObject({ code: 'interrupt_unknown' });
    expect((await run(['a', 'b'])).text).toBe('true,true');
    expect((await run(['a', 'b'])).last).toMatchObject({ code: 'interrupt_unknown' });
  });

  test('and for a tool at once › then the tool comes first', async () => {
    const scene = await startFronts();
    await scene.agent('echo', async (turn) => {
      const [time, { approved }] = await Promise.all([
        turn.tools.call('clock', {}),
        turn.requestApproval({ action: 'wipe' }),
      ]);
      turn.token(`${time} ${approved}`);
    });
    const page = new Page({ scene });
    await page.say('go', { tools: [clock] });
    const ids = page.calls;
    expect(page.interrupts).toEqual([]);
    page.result(ids[0] ?? '', 'noon');
    await page.run();
    const [{ id = '' } = {}] = page.interrupts;
    await page.run({ resume: [{ interruptId: id, status: 'resolved', payload: { approved: true } }] });
    expect(page.text).toBe('noon true');
  });
});
