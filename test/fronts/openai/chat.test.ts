import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import { cancelled, deferred, repeat, type Scene, startFronts } from '../front-scene.ts';

const clientOf = ({ url, token }: Pick<Scene, 'url' | 'token'>, apiKey = token) =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });

const ask = (content: string) => ({ model: 'echo', messages: [{ role: 'user' as const, content }] });

const clock = {
  type: 'function' as const,
  function: { name: 'clock', description: 'tells the time', parameters: { type: 'object', properties: {} } },
};

describe('models › when asked for', () => {
  test('then they are the attached agents that exist for the key', async () => {
    const scene = await startFronts();
    await scene.agent('echo', repeat);
    await scene.agent('other', repeat);
    scene.broker.upsertAgent({ id: 'away' });
    const ids = async (key: string) => (await clientOf(scene, key).models.list()).data.map(({ id }) => id).sort();
    expect(await ids(scene.token)).toEqual(['echo', 'other']);
    const key = await scene.key('ada', { agents: ['echo'] });
    expect(await ids(key)).toEqual(['echo']);
    expect(await clientOf(scene, key).models.retrieve('echo')).toMatchObject({ id: 'echo', object: 'model' });
    for (const id of ['other', 'away', 'nobody'])
      await expect(clientOf(scene, key).models.retrieve(id)).rejects.toMatchObject({
        status: 404,
        code: 'model_not_found',
      });
  });
});

describe('a chat completion › when it is asked for', () => {
  test('then the answer comes whole, or in chunks', async () => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', repeat);
    const client = clientOf(scene);
    const whole = await client.chat.completions.create(ask('good day to you'));
    expect(whole.choices[0]).toMatchObject({
      finish_reason: 'stop',
      message: { role: 'assistant', content: 'good day to you' },
    });
    const stream = await client.chat.completions.create({ ...ask('good day to you'), stream: true });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks[0]?.choices[0]?.delta).toEqual({ role: 'assistant', content: '' });
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('good day to you');
    expect(chunks.at(-1)?.choices[0]).toMatchObject({ delta: {}, finish_reason: 'stop' });
    expect(turns.map(({ context }) => context.front)).toEqual(['openai', 'openai']);
    expect(new Set(turns.map(({ sessionId }) => sessionId)).size).toBe(2);
  });

  test('and its client goes half way, or before the agent has taken it › then the turn is cancelled', async () => {
    const scene = await startFronts();
    const { turn } = await scene.agent('echo', async (turn) => {
      turn.token('one');
      await cancelled(turn);
    });
    const asked = deferred<unknown>();
    const late = await scene.agent('late', repeat, { accept: () => new Promise(() => asked.resolve(undefined)) });
    const client = clientOf(scene);
    const stream = await client.chat.completions.create({ ...ask('hi'), stream: true });
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
    expect(await cancelled(await turn())).toBe('host_cancelled');
    const leave = new AbortController();
    const refused = client.chat.completions.create({ ...ask('hi'), model: 'late' }, { signal: leave.signal });
    await asked.promise;
    leave.abort();
    await expect(refused).rejects.toThrow();
    expect(late.turns).toEqual([]);
  });

  test('and the agent calls tools › then its client runs them, and the same turn goes on', async () => {
    const scene = await startFronts();
    const { turns } = await scene.agent('echo', async function* ({ tools }) {
      yield 'it is ';
      const [here, there] = await Promise.all([
        tools.call('clock', { at: 'here' }),
        tools.call('clock', { at: 'there' }),
      ]);
      yield `${here} and ${(there as { hour: number }).hour}`;
    });
    const client = clientOf(scene);
    const first = await client.chat.completions.create({ ...ask('what time is it?'), tools: [clock] });
    const message = first.choices[0]?.message;
    expect(first.choices[0]?.finish_reason).toBe('tool_calls');
    expect(message?.tool_calls?.map((call) => 'function' in call && call.function)).toEqual([
      { name: 'clock', arguments: '{"at":"here"}' },
      { name: 'clock', arguments: '{"at":"there"}' },
    ]);
    const [one, two] = message?.tool_calls ?? [];
    const answered = await client.chat.completions.create({
      model: 'echo',
      messages: [
        ...ask('what time is it?').messages,
        message as never,
        { role: 'tool', tool_call_id: one?.id ?? '', content: 'noon' },
        { role: 'tool', tool_call_id: two?.id ?? '', content: '{"hour": 3}' },
      ],
    });
    expect(answered.choices[0]?.message.content).toBe('noon and 3');
    expect(turns).toHaveLength(1);
  });
});
