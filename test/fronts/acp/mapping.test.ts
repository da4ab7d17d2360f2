import type { SessionUpdate } from '@agentclientprotocol/sdk';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AgentEvent, exactJson, type Turn } from '../../../client/node.ts';
import { cancelled } from '../front-scene.ts';
import { acpClient, type ClientOptions, startAcp } from './acp-client.ts';

const OWN = [{ kind: 'done', finish_reason: 'stop' }] satisfies AgentEvent[];

/** What a client hears of these events, and how its prompt is answered. */
async function heard(events: readonly AgentEvent[], options: ClientOptions = {}) {
  const { agent, streamTo } = await startAcp();
  const onChat = async (turn: Turn) => {
    for (const event of [...events, ...OWN]) turn.event(event);
  };
  await agent('echo', onChat, { json: exactJson });
  const client = acpClient(streamTo('WebSocket'), options);
  const answer = await client.prompt(await client.begin(), 'x').catch((error: unknown) => error);
  return { updates: client.updates, answer };
}

const picture = { type: 'image', data: 'aGk=', mimeType: 'image/png' };
const content = (said: unknown): AgentEvent => ({ kind: 'content', content: said });

test('what an agent says is told as ACP tells it', async () => {
  const { updates, answer } = await heard([
    { kind: 'reasoning', delta: 'hm' },
    { kind: 'token', delta: 'so' },
    content(picture),
    content({ type: 'data', data: { a: 1 } }),
    content({ type: 'image', data: 1 }),
    { kind: 'notice', severity: 'warning', title: 'anew', description: 'why' },
    {
      kind: 'todos',
      todos: [{ content: 'a', status: 'completed', priority: 'low' }, { content: 'b', status: 'odd' }, 7],
    },
    { kind: 'usage', input_tokens: 1, output_tokens: 2, total_tokens: 3, context_used: 10 },
    { kind: 'usage', context_size: 100, cost: { amount: 0.5, currency: 'EUR' } },
    { kind: 'acp.session_info_update', title: 'about' },
    { kind: 'acp.available_commands_update', availableCommands: [{ name: 'go', description: 'goes' }, {}] },
    { kind: 'acp.current_mode_update', currentModeId: 'x' },
    { kind: 'anything' },
  ]);
  const chunk = 'agent_message_chunk';
  const data = { uri: 'switchboard:data', mimeType: 'application/json', text: '{"a":1}' };
  expect(updates).toEqual([
    { sessionUpdate: 'agent_thought_chunk', content: { type: 'text', text: 'hm' } },
    { sessionUpdate: chunk, content: { type: 'text', text: 'so' } },
    { sessionUpdate: chunk, content: picture },
    { sessionUpdate: chunk, content: { type: 'resource', resource: data } },
    { sessionUpdate: 'notice', severity: 'warning', title: 'anew', description: 'why' },
    {
      sessionUpdate: 'plan',
      entries: [
        { content: 'a', status: 'completed', priority: 'low' },
        { content: 'b', status: 'pending', priority: 'medium' },
      ],
    },
    { sessionUpdate: 'usage_update', used: 10, size: 100, cost: { amount: 0.5, currency: 'EUR' } },
    { sessionUpdate: 'session_info_update', title: 'about' },
    { sessionUpdate: 'available_commands_update', availableCommands: [{ name: 'go', description: 'goes' }] },
  ]);
  expect(answer).toMatchObject({ stopReason: 'end_turn' });
});

test('a client that shows no notices is sent none', async () => {
  const notice = { kind: 'notice', severity: 'error', title: 'x' };
  expect((await heard([notice], { notices: false })).updates).toEqual([]);
});

test('the agent’s own tools have a kind, a result, and an end', async () => {
  const { updates } = await heard([
    { kind: 'tool_call', call_id: 'a', tool: 'read_file', params: { path: 'x', long: 2n ** 60n }, title: 'Reads x' },
    { kind: 'tool_call_update', call_id: 'a', title: 'Reads all of x', status: 'pending' },
    {
      kind: 'tool_result',
      call_id: 'a',
      tool: 'read_file',
      ok: true,
      excerpt: 'its text',
      evidence: { raw_output: 5 },
    },
    { kind: 'tool_call', tool: 'bash', locations: [{ path: '/x', line: 3 }, {}] },
    { kind: 'tool_result', tool: 'bash', ok: false },
    { kind: 'tool_result', call_id: 'never', tool: 'thing', ok: true },
    { kind: 'tool_call', call_id: 'open', tool: 'web_fetch', tool_kind: 'think' },
  ]);
  const told = updates as (Extract<SessionUpdate, { sessionUpdate: 'tool_call' | 'tool_call_update' }> & object)[];
  const ids = told.map(({ toolCallId }) => toolCallId.split(':')[1]);
  expect(ids).toEqual(['a', 'a', 'a', 'call-1', 'call-1', 'never', 'never', 'open', 'open']);
  expect(told.map(({ sessionUpdate, kind, title, status }) => [sessionUpdate, kind, title, status])).toEqual([
    ['tool_call', 'read', 'Reads x', 'in_progress'],
    ['tool_call_update', undefined, 'Reads all of x', 'pending'],
    ['tool_call_update', undefined, undefined, 'completed'],
    ['tool_call', 'execute', 'bash', 'in_progress'],
    ['tool_call_update', undefined, undefined, 'failed'],
    ['tool_call', 'other', 'thing', 'in_progress'],
    ['tool_call_update', undefined, undefined, 'completed'],
    ['tool_call', 'think', 'web_fetch', 'in_progress'],
    ['tool_call_update', undefined, undefined, 'failed'],
  ]);
  expect(told[0]).toMatchObject({ rawInput: { path: 'x', long: 2 ** 60 } });
  expect(told[2]).toMatchObject({ content: [{ type: 'content', content: { text: 'its text' } }], rawOutput: 5 });
  expect(told[3]).toMatchObject({ locations: [{ path: '/x', line: 3 }] });
});

test.each([
  ['length', 'max_tokens'],
  ['max_turns', 'max_turn_requests'],
  ['refusal', 'refusal'],
  ['cancelled', 'cancelled'],
  ['whatever', 'end_turn'],
])('a turn that is done by %s is answered with %s', async (finish_reason, stopReason) => {
  const { updates, answer } = await heard([{ kind: 'done', finish_reason, text: 'all of it' }]);
  expect(answer).toEqual({ stopReason });
  expect(updates).toEqual([{ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: 'all of it' } }]);
});

test('a turn that failed is an error in its words; an agent that needs a login says so', async () => {
  const failed = await heard([{ kind: 'error', error: 'no luck', code: 'model_error' }]);
  expect(failed.answer).toMatchObject({ code: -32603, message: 'no luck', data: { code: 'model_error' } });
  const closed = await heard([{ kind: 'auth_required', reason: 'agent', message: 'log in' }]);
  expect(closed.answer).toMatchObject({ code: -32000, message: 'log in' });
});

test('a prompt’s blocks are its text and its pictures', async () => {
  const { agent, streamTo } = await startAcp();
  const { turns } = await agent('echo', async () => {});
  const client = acpClient(streamTo('WebSocket'));
  const sessionId = await client.begin();
  await client.agent.request('session/prompt', {
    sessionId,
    prompt: [
      { type: 'text', text: 'look at ' },
      { type: 'resource_link', name: 'a[1].ts', uri: 'file:///a (1).ts' },
      { type: 'text', text: 'and this' },
      { type: 'text', text: 'too' },
      { type: 'resource', resource: { uri: 'file:///b"', text: 'its text' } },
      { type: 'image', data: 'aGk=', mimeType: 'image/png' },
      { type: 'resource', resource: { uri: 'file:///c', blob: 'aGk=', mimeType: 'image/webp' } },
    ],
  });
  expect(turns[0]?.prompt).toBe(
    'look at [a\\[1\\].ts](file:///a%20%281%29.ts)and this\n\ntoo\n<resource uri="file:///b%22">\nits text\n</resource>\n',
  );
  expect(turns[0]?.params.attachments).toEqual([
    { type: 'image_base64', data: 'aGk=', media_type: 'image/png' },
    { type: 'image_base64', data: 'aGk=', media_type: 'image/webp' },
  ]);
  for (const block of [
    { type: 'image', data: 'aGk=', mimeType: 'image/bmp' },
    { type: 'text', text: '' },
  ] as const)
    await expect(client.agent.request('session/prompt', { sessionId, prompt: [block] })).rejects.toMatchObject({
      code: -32602,
    });
});

describe('an approval', () => {
  const options = [
    { optionId: 'once', name: 'Once', kind: 'allow_once' as const },
    { optionId: 'ever', name: 'Always', kind: 'allow_always' as const },
    { optionId: 'no', name: 'No', kind: 'reject_once' as const },
  ];

  async function asking(details: object | undefined, own: ClientOptions['permission']) {
    const { agent, streamTo, broker } = await startAcp();
    const { turn } = await agent('echo', async (one) => {
      const { decision, answer } = await one.requestApproval({
        action: 'rm -rf x',
        params: { path: 'x' },
        ...(details && { details }),
      });
      one.token(`${decision} ${JSON.stringify(answer ?? null)}`);
    });
    const client = acpClient(streamTo('WebSocket'), own ? { permission: own } : {});
    const sessionId = await client.begin();
    return { client, sessionId, turn, broker };
  }
  const choose = (optionId: string) => () => ({ outcome: { outcome: 'selected' as const, optionId } });

  test.each([
    ['allow', 'true null'],
    ['reject', 'false null'],
    ['nonsense', 'false null'],
  ])('is a permission to give › %s: %s', async (optionId, said) => {
    const { client, sessionId } = await asking(undefined, choose(optionId));
    await client.prompt(sessionId, 'x');
    expect(client.text).toBe(said);
    expect(client.asked[0]).toMatchObject({
      toolCall: { title: 'rm -rf x', rawInput: { path: 'x' }, status: 'pending' },
      options: [
        { optionId: 'allow', name: 'Allow once', kind: 'allow_once' },
        { optionId: 'reject', name: 'Reject', kind: 'reject_once' },
      ],
    });
  });

  test.each([
    ['ever', 'true {"option_id":"ever"}'],
    ['no', 'false {"option_id":"no"}'],
  ])('has the options that the agent has › %s: %s', async (optionId, said) => {
    const details = { options, call_id: 'c', title: 'Removes x', tool_kind: 'delete' };
    const { client, sessionId } = await asking(details, choose(optionId));
    await client.prompt(sessionId, 'x');
    expect(client.text).toBe(said);
    expect(client.asked[0]).toMatchObject({ options, toolCall: { title: 'Removes x', kind: 'delete' } });
    expect(client.asked[0]?.toolCall.toolCallId).toMatch(/:c$/);
  });

  test('that nobody decides on is denied', async () => {
    const { client, sessionId } = await asking(undefined, undefined);
    await client.prompt(sessionId, 'x');
    expect(client.text).toBe('false null');
  });

  test('is dropped where the prompt is cancelled', async () => {
    const { client, sessionId, turn } = await asking(undefined, () => new Promise(() => {}));
    const answer = client.prompt(sessionId, 'x');
    await client.until(() => client.asked.length > 0);
    await client.cancel(sessionId);
    expect(await answer).toEqual({ stopReason: 'cancelled' });
    expect(await cancelled(await turn(0))).toBe('host_cancelled');
    await expect.poll(() => client.asked[0]?.signal.aborted).toBe(true);
  });

  test('that somebody else has decided on is not to be answered any more', async () => {
    const { client, sessionId, turn } = await asking(undefined, () => new Promise(() => {}));
    const answer = client.prompt(sessionId, 'x');
    await client.until(() => client.asked.length > 0);
    (await turn(0)).event({
      kind: 'approval_resolved',
      approval_id: client.asked[0]?.toolCall.toolCallId.split('approval:')[1] ?? '',
      resolution: 'deny',
    });
    await expect.poll(() => client.asked[0]?.signal.aborted).toBe(true);
    await client.cancel(sessionId);
    await answer;
  });
});

/** What an agent may say, in any order. */
const words = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }).map((delta): AgentEvent => ({ kind: 'token', delta })),
  fc.string({ maxLength: 8 }).map((delta): AgentEvent => ({ kind: 'reasoning', delta })),
  fc
    .record({
      kind: fc.constantFrom('tool_call', 'tool_call_update', 'tool_result'),
      call_id: fc.constantFrom('a', 'b'),
    })
    .chain((event) =>
      fc.constantFrom<AgentEvent>(
        { ...event, tool: 'own', ok: true },
        { ...event, tool: 'own', ok: false, params: [1] },
      ),
    ),
  fc.jsonValue().map((said): AgentEvent => content(said)),
  fc.jsonValue().map((todos): AgentEvent => ({ kind: 'todos', todos })),
  fc
    .jsonValue()
    .map((x): AgentEvent => ({ kind: 'usage', context_used: x, context_size: x, cost: x, total_tokens: x })),
  fc.jsonValue().map((x): AgentEvent => ({ kind: 'notice', severity: x, title: x, description: x })),
  fc.jsonValue().map((x): AgentEvent => ({ kind: 'acp.available_commands_update', availableCommands: x })),
  fc.constantFrom<AgentEvent>({ kind: 'anything', delta: 1 }, content(picture), { kind: 'ASK' }),
);
const history = fc.record({
  events: fc.array(words, { maxLength: 12 }),
  end: fc.constantFrom<AgentEvent>(
    { kind: 'done', finish_reason: 'stop' },
    { kind: 'done', finish_reason: 'length', text: 'whole' },
    { kind: 'error', error: 'no luck' },
    { kind: 'auth_required', reason: 'r', message: 'log in' },
  ),
});

test('any history of events is read by the SDK’s client to its end', async () => {
  const { agent, streamTo } = await startAcp();
  let next: { events: AgentEvent[]; end: AgentEvent } = { events: [], end: { kind: 'done' } };
  await agent('echo', async (turn) => {
    for (const event of next.events)
      if (event.kind === 'ASK') await turn.requestApproval({ action: 'x' });
      else turn.event(event);
    turn.event(next.end);
  });
  const client = acpClient(streamTo('WebSocket'), {
    permission: () => ({ outcome: { outcome: 'selected', optionId: 'allow' } }),
  });
  const sessionId = await client.begin();
  await fc.assert(
    fc.asyncProperty(history, async (told) => {
      next = told;
      client.updates.length = 0;
      const outcome = await client.prompt(sessionId, 'go').catch((error: unknown) => error);
      const said = told.events.map(({ kind, delta }) => (kind === 'token' ? delta : '')).join('');
      const hasSpoken = told.events.some(({ kind }) => kind === 'token');
      const text = client.text;
      if (told.end.kind === 'done') {
        expect(outcome).toMatchObject({ stopReason: told.end.finish_reason === 'length' ? 'max_tokens' : 'end_turn' });
        expect(text).toBe(hasSpoken ? said : (told.end.text ?? ''));
      } else expect(outcome).toBeInstanceOf(Error);
      // Each call that was told has ended.
      const open = new Set<string>();
      for (const update of client.updates) {
        if (update.sessionUpdate !== 'tool_call' && update.sessionUpdate !== 'tool_call_update') continue;
        if (update.status === 'completed' || update.status === 'failed') open.delete(update.toolCallId);
        else open.add(update.toolCallId);
      }
      expect(open.size).toBe(0);
    }),
    { numRuns: 100 },
  );
});
