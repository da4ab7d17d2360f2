import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { OnChat } from '../../../client/node.ts';
import { Transcript } from '../../../fronts/openai/transcripts.ts';
import type { Message } from '../../support/linked.ts';
import { repeat, startFronts } from '../front-scene.ts';

async function startAsked(limits: object = {}) {
  const scene = await startFronts({ broker: { limits } });
  const asAda = await scene.key('ada');
  const post = async (path: string, body: object, key = asAda) => {
    const answer = await fetch(`${scene.url}/v1/${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    });
    const text = await answer.text();
    return { status: answer.status, text, body: (text.startsWith('{') ? JSON.parse(text) : {}) as Message };
  };
  return { ...scene, post };
}

/** Thinks and speaks by turns, as often as its prompt says. */
const alternate: OnChat = async (turn) => {
  for (let at = 0; at < Number(turn.prompt) && !turn.signal.aborted; at += 1) {
    turn.event({ kind: 'reasoning', delta: 'a' });
    turn.token('b');
    if (at % 100 === 99) await setImmediate();
  }
};

const saying = (text: string, count = 1) =>
  Array.from({ length: count }, () => ({ role: 'user' as const, text, images: [], calls: [] }));

describe('a conversation that is long', () => {
  test.each([
    ['in all', saying('x '.repeat(32_000), 100)],
    ['in its messages', saying('x', 30_000)],
  ])('%s › has others have their turns while it is looked at', async (_name, messages) => {
    const transcript = new Transcript('default/ada', 'echo');
    let isOver = false;
    const all = transcript.addAll(messages).then(() => {
      isOver = true;
    });
    let turns = 0;
    while (!isOver) {
      await setImmediate();
      turns += 1;
    }
    await all;
    expect(turns).toBeGreaterThan(20);
  });

  test('is known by its words, and in a text that is very long by its white space, too', () => {
    const hashOf = (text: string) => {
      const transcript = new Transcript('default/ada', 'echo');
      for (const message of saying(text)) transcript.add(message);
      return transcript.hash;
    };
    expect(hashOf(' a  b\n')).toBe(hashOf('a b'));
    const long = 'a b '.repeat(40_000);
    expect(hashOf(long)).not.toBe(hashOf(`${long} `));
  });
});

describe('a request', () => {
  test('with more tools than there may be › is 400 at once, by every front', async () => {
    const { url, token, agent } = await startFronts();
    const { turns } = await agent('echo', repeat);
    const definitions = Array.from({ length: 5_000 }, (_, at) => ({ name: `tool-${at}` }));
    const functions = definitions.map((made) => ({ type: 'function', function: made }));
    const message = { id: 'm', role: 'user', content: 'hi', parts: [{ type: 'text', text: 'hi' }] };
    const asked = { '/v1/chat/completions': functions, '/ai/echo': definitions, '/ag-ui/echo': definitions };
    for (const [path, tools] of Object.entries(asked)) {
      const answer = await fetch(`${url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ model: 'echo', id: 'c', threadId: 't', runId: 'r', messages: [message], tools }),
      });
      expect(await answer.text(), path).toContain('tools has 256 at most');
    }
    expect(turns).toEqual([]);
  });

  test('whose long members a response would repeat three times › is answered without them', async () => {
    const { post, agent } = await startAsked();
    await agent('echo', repeat);
    const { body } = await post('responses', {
      model: 'echo',
      input: 'hi',
      instructions: 'x'.repeat(300_000),
      metadata: { all: 'y'.repeat(300_000) },
      temperature: 0.5,
    });
    expect(body).toMatchObject({ status: 'completed', instructions: null, metadata: {}, temperature: 0.5 });
  });
});

describe('an agent that thinks and speaks by turns', () => {
  test('too often › has its response fail, and its turn is cancelled', async () => {
    const { post, agent } = await startAsked();
    await agent('echo', alternate);
    const { status, body } = await post('responses', { model: 'echo', input: '10000' });
    expect([status, body.error.code]).toEqual([424, 'answer_too_large']);
    expect((await post('responses', { model: 'echo', input: '100' })).body.output).toHaveLength(200);
  });

  test('has nobody else’s answers forgotten', async () => {
    const { post, agent, key } = await startAsked();
    await agent('echo', alternate);
    const { body } = await post('responses', { model: 'echo', input: '1' });
    const bob = await key('bob');
    for (let round = 0; round < 6; round += 1)
      expect((await post('responses', { model: 'echo', input: '1000' }, bob)).body.output).toHaveLength(2_000);
    expect((await post('responses', { model: 'echo', input: '1', previous_response_id: body.id })).status).toBe(200);
  }, 30_000);
});

test('a streamed answer that its end would repeat beyond what may wait for a reader › fails, and says so', async () => {
  const { post, agent } = await startAsked({ cutBytes: 1024 * 1024 });
  await agent('echo', async (turn) => {
    for (let at = 0; at < 80; at += 1) turn.token('x'.repeat(1024));
  });
  const { text } = await post('responses', { model: 'echo', input: 'hi', stream: true });
  expect(text).toContain('event: response.failed');
  expect(text).toContain('answer_too_large');
  // As a whole it is sent once.
  expect((await post('responses', { model: 'echo', input: 'hi' })).body.output[0].content[0].text).toHaveLength(81_920);
});
