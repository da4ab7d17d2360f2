import { describe, expect, onTestFinished, test } from 'vitest';
import { connectHost } from '../../../client/node.ts';
import type { Message } from '../../support/linked.ts';
import { startFronts } from '../front-scene.ts';

async function startAsking(options: object = {}, broker: object = {}) {
  const scene = await startFronts({ ...options, broker });
  const { turn } = await scene.agent('echo', async (turn) => {
    if (turn.prompt === 'tool') return String(await turn.tools.call('clock', {}).catch(({ code }) => code));
    turn.token('may I? ');
    const { approved } = await turn.requestApproval({ tool: 'rm', params: { path: '/' } });
    turn.token(approved ? 'done' : 'not done');
    return undefined;
  });
  const post = async (content: string) => {
    const answer = await fetch(`${scene.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({
        model: 'echo',
        messages: [{ role: 'user', content }],
        tools: [{ type: 'function', function: { name: 'clock' } }],
      }),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${scene.token}` },
    });
    return (await answer.json()) as Message;
  };
  const person = await connectHost({ link: scene.broker.connect(), hostToken: scene.broker.tokens.host });
  onTestFinished(() => person.close());
  return { ...scene, turn, post, person };
}

describe('an approval › of a turn that an OpenAI client has', () => {
  test('waits for a person elsewhere', async () => {
    const { post, person } = await startAsking();
    const events = await person.subscribe();
    const answer = post('go');
    for await (const { kind } of events) if (kind === 'approval.requested') break;
    const [row] = await person.approvals();
    expect(row).toMatchObject({ status: 'pending', details: { tool: 'rm' } });
    await person.resolveApproval(row?.id ?? '', 'approve');
    expect((await answer).choices[0].message.content).toBe('may I? done');
  });

  test('that nobody answers in time › is denied', async () => {
    const { post } = await startAsking({ approvalTimeoutMs: 1 });
    expect((await post('go')).choices[0].message.content).toBe('may I? not done');
  });

  test('is denied at once › where the front is told to', async () => {
    const { post } = await startAsking({ openai: { approvals: 'deny' } });
    expect((await post('go')).choices[0].message.content).toBe('may I? not done');
  });

  test('that the gate asks for, of a tool of its client’s › is the same', async () => {
    const { post } = await startAsking(
      { openai: { approvals: 'deny' } },
      { approvals: { methods: ['tools.execute:clock'] } },
    );
    expect((await post('tool')).choices[0].message.content).toBe('-32003');
  });
});
