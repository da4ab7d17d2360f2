import { isToolUIPart } from 'ai';
import { describe, expect, test } from 'vitest';
import { eventually } from '../../browser/support/eventually.ts';
import { cancelled, repeat, startFronts } from '../front-scene.ts';
import { chunksOf, said, send, textIn, windowOf } from './window.ts';

const clock = { name: 'clock', description: 'tells the time', parameters: { type: 'object', properties: {} } };

describe('a useChat window › when it sends a message', () => {
  test('then the answer comes as parts of one message, and the next turn is in the same session', async () => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', repeat);
    const chunks = await chunksOf(await send({ scene }, [said('good day')]));
    expect(chunks.map(({ type }) => type)).toEqual([
      'start',
      'start-step',
      'text-start',
      'text-delta',
      'text-delta',
      'text-end',
      'finish-step',
      'finish',
    ]);
    const window = windowOf({ scene });
    await window.sendMessage({ text: 'and again' });
    expect(window.status).toBe('ready');
    expect(textIn(window.lastMessage)).toBe('and again');
    expect(turns.map(({ sessionId, context }) => [sessionId, context.front])).toEqual([
      ['ai-chat-1', 'ai-sdk'],
      ['ai-chat-1', 'ai-sdk'],
    ]);
  });

  test('and the broker knows nothing of what was said before › then the agent is told, once', async () => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', repeat);
    const messages = [
      { id: 's', role: 'system' as const, parts: [{ type: 'text' as const, text: 'be kind' }] },
      said('one', 'm-1'),
      { id: 'a', role: 'assistant' as const, parts: [{ type: 'text' as const, text: 'uno' }] },
      said('two', 'm-2'),
    ];
    await chunksOf(await send({ scene }, messages));
    await chunksOf(await send({ scene }, messages));
    expect(turns[0]).toMatchObject({
      prompt: 'two',
      context: {
        instructions: 'be kind',
        history: [
          { role: 'user', content: 'one' },
          { role: 'assistant', content: 'uno' },
        ],
      },
    });
    expect(turns[1]?.context).not.toHaveProperty('history');
  });

  test('and a message is edited, or answered anew › then its agent begins anew, too', async () => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', repeat);
    const window = windowOf({ scene });
    await window.sendMessage({ text: 'one' });
    await window.sendMessage({ text: 'two' });
    await window.regenerate();
    await window.sendMessage({ text: 'three' });
    await window.sendMessage({ text: 'zero', messageId: window.messages[0]?.id as string });
    const sessions = turns.map(({ sessionId }) => sessionId);
    expect(sessions[1]).toBe(sessions[0]);
    expect(sessions[3]).toBe(sessions[2]);
    expect(new Set(sessions).size).toBe(3);
    expect(turns[2]).toMatchObject({ prompt: 'two', context: { history: [{ content: 'one' }, { content: 'one' }] } });
    expect(turns[4]?.context).not.toHaveProperty('history');
  });

  test('and a picture goes with it › then the agent has it', async () => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', repeat);
    const window = windowOf({ scene });
    const url = 'data:image/png;base64,iVBORw0KGgo=';
    await window.sendMessage({ text: 'see', files: [{ type: 'file', mediaType: 'image/png', url }] });
    expect(turns[0]?.params.attachments).toEqual([
      { type: 'image_base64', media_type: 'image/png', data: 'iVBORw0KGgo=' },
    ]);
  });
});

describe('a useChat window › when the agent does more than talk', () => {
  test('then its thoughts, tools, usage and what else it sends are parts of the message', async () => {
    const scene = await startFronts();
    await scene.agent('echo', async (turn) => {
      turn.event({ kind: 'reasoning', delta: 'hm' });
      turn.token('see ');
      turn.event({ kind: 'tool_call', call_id: 'c1', tool: 'grep', params: { for: 'it' }, title: 'looks' });
      turn.event({ kind: 'tool_result', call_id: 'c1', tool: 'grep', ok: true, excerpt: 'found' });
      turn.event({ kind: 'tool_call', call_id: 'c2', tool: 'rm' });
      turn.event({ kind: 'tool_result', call_id: 'c2', tool: 'rm', ok: false, excerpt: 'no' });
      turn.event({ kind: 'tool_call', call_id: 'c3', tool: 'open' });
      turn.event({ kind: 'usage', input_tokens: 3, output_tokens: 4 });
      turn.event({ kind: 'content', content: { type: 'image', mimeType: 'image/png', data: 'iVBORw0KGgo=' } });
      turn.event({ kind: 'todos', todos: [{ content: 'this', status: 'pending' }] });
      turn.event({ kind: 'todos', todos: [{ content: 'this', status: 'completed' }] });
      turn.token('there');
    });
    const window = windowOf({ scene });
    await window.sendMessage({ text: 'go' });
    const { parts = [], metadata } = window.lastMessage ?? {};
    expect(metadata).toEqual({ usage: { input_tokens: 3, output_tokens: 4 } });
    expect(parts.map(({ type }) => type)).toEqual([
      'step-start',
      'reasoning',
      'text',
      'dynamic-tool',
      'dynamic-tool',
      'dynamic-tool',
      'file',
      'data-todos',
      'text',
    ]);
    expect(parts.filter(isToolUIPart)).toMatchObject([
      { toolName: 'grep', state: 'output-available', output: 'found', input: { for: 'it' }, title: 'looks' },
      { toolName: 'rm', state: 'output-error', errorText: 'no', providerExecuted: true },
      { toolName: 'open', state: 'output-error' },
    ]);
    expect(parts.find(({ type }) => type === 'data-todos')).toMatchObject({
      data: { todos: [{ status: 'completed' }] },
    });
  });

  test('and it fails, or was cancelled › then the window hears of it', async () => {
    const scene = await startFronts();
    await scene.agent('echo', () => {
      throw new Error('out of ideas');
    });
    const window = windowOf({ scene });
    await window.sendMessage({ text: 'go' });
    expect(window.status).toBe('error');
    expect(window.error?.message).toBeTruthy();
  });
});

describe('a useChat window › when the agent calls its tools', () => {
  test('then it runs them, and the same turn goes on in the same message', async () => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', async function* ({ tools }) {
      yield 'it is ';
      const answers = await Promise.all([tools.call('clock', { at: 'here' }), tools.call('clock', { at: 'there' })]);
      yield answers.join(' and ');
      yield String(await tools.call('clock', { at: 'home' }).catch((error) => ` but ${error.message}`));
    });
    const window = windowOf(
      { scene, body: { tools: [clock] } },
      {
        onToolCall({ toolCall: { toolCallId, input, toolName } }) {
          const { at } = input as { at: string };
          const answer =
            at === 'home'
              ? { state: 'output-error' as const, errorText: 'nobody is home' }
              : { output: at === 'here' ? 'noon' : 'night' };
          void window.addToolOutput({ tool: toolName, toolCallId, ...answer } as never);
        },
      },
    );
    await window.sendMessage({ text: 'what time is it?' });
    await eventually(() => textIn(window.lastMessage)).toBe('it is noon and night but nobody is home');
    await eventually(() => window.status).toBe('ready');
    expect(turns).toHaveLength(1);
    expect(window.messages).toHaveLength(2);
  });

  test('and the person says something else instead › then the turn is cancelled', async () => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', async function* ({ tools, prompt }) {
      if (prompt === 'time?') yield String(await tools.call('clock', {}));
      yield prompt;
    });
    const window = windowOf({ scene, body: { tools: [clock] } });
    await window.sendMessage({ text: 'time?' });
    await window.sendMessage({ text: 'never mind' });
    expect(textIn(window.lastMessage)).toBe('never mind');
    expect(await cancelled(turns[0] as never)).toBe('host_cancelled');
  });
});

describe('a useChat window › when the agent asks for an approval', () => {
  test.each([
    [true, 'output-available', 'yes, go on'],
    [false, 'output-denied', 'no, too late'],
  ])('and the person says %s › then the turn goes on with that', async (approved, state, text) => {
    const scene = await startFronts();
    await scene.agent('echo', async (turn) => {
      const { approved: may, answer } = await turn.requestApproval({
        tool: 'rm',
        params: { path: '/' },
        action: 'removes it',
      });
      const { reason } = (answer ?? {}) as { reason?: string };
      turn.token(`${may ? 'yes' : 'no'}, ${reason}`);
    });
    const window = windowOf({ scene });
    await window.sendMessage({ text: 'clean up' });
    const part = window.lastMessage?.parts.find(isToolUIPart);
    expect(part).toMatchObject({
      type: 'dynamic-tool',
      toolName: 'rm',
      state: 'approval-requested',
      input: { path: '/' },
    });
    const id = part?.state === 'approval-requested' ? part.approval.id : '';
    await window.addToolApprovalResponse({ id, approved, reason: approved ? 'go on' : 'too late' });
    await eventually(() => textIn(window.lastMessage)).toBe(text);
    await eventually(() => window.status).toBe('ready');
    expect(window.lastMessage?.parts.find(isToolUIPart)).toMatchObject({ state });
  });
});
