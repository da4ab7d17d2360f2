import { expect, test } from 'vitest';
import type { Message } from '../support/linked.ts';
import { cancelled, deferred, startFronts } from './front-scene.ts';

const KIB = 1_024;
const tools = [{ type: 'function', function: { name: 'clock', parameters: { type: 'object' } } }];

/** An agent that says so many KiB as it is asked for, and waits before its end where the test says so. */
async function startSaying(limits: object) {
  const scene = await startFronts({ broker: { limits } });
  const end = deferred();
  const { turns } = await scene.agent('echo', async (turn) => {
    const [count = '0', manner] = turn.prompt.split(' ');
    if (manner === 'parked') void turn.tools.call('clock', {}).catch(() => {});
    if (manner === 'parked') await end.promise;
    for (let at = 0; at < Number(count); at += 1) turn.token('x'.repeat(KIB));
    if (manner === 'open') await end.promise;
    if (manner === 'parked') await cancelled(turn);
  });
  const [ada, bob] = [await scene.key('ada'), await scene.key('bob')];
  const ask = async (path: string, body: object, key = ada) => {
    const answer = await fetch(`${scene.url}/v1/${path}`, {
      method: 'POST',
      body: JSON.stringify({ model: 'echo', ...body }),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    });
    return { status: answer.status, session: answer.headers.get('x-switchboard-session'), text: await answer.text() };
  };
  const chat = (content: string, more: object = {}, key = ada) =>
    ask('chat/completions', { messages: [{ role: 'user', content }], ...more }, key);
  return { ...scene, turns, end, bob, ask, chat };
}

test('answers that are gathered for one principal › hold so much together, and what one held is free after it', async () => {
  const { chat, ask, bob, turns, end } = await startSaying({ maxHeldBytes: 300 * KIB });
  // It is kept once to be told, and once to be known by.
  for (let round = 0; round < 10; round += 1) expect((await chat('100')).status).toBe(200);
  for (let round = 0; round < 10; round += 1) expect((await ask('responses', { input: '100' })).status).toBe(200);
  const open = chat('100 open');
  await expect.poll(() => turns.length).toBe(21);
  const refused = await chat('100');
  expect([refused.status, JSON.parse(refused.text).error.code]).toEqual([424, 'answer_too_large']);
  expect((await ask('responses', { input: '100' })).status).toBe(424);
  expect((await chat('100', {}, bob)).status).toBe(200);
  end.resolve();
  expect((await open).status).toBe(200);
  expect((await chat('100')).status).toBe(200);
});

test('an answer that is streamed and has no room to be known by › is told whole, and begins a new session when it is repeated', async () => {
  const { chat, ask } = await startSaying({ maxHeldBytes: 50 * KIB });
  const said = 'x'.repeat(100 * KIB);
  const { status, text, session } = await chat('100', { stream: true });
  expect([status, text.split('x'.repeat(KIB)).length]).toEqual([200, 101]);
  const messages = [
    { role: 'user', content: '100' },
    { role: 'assistant', content: said },
    { role: 'user', content: '1' },
  ];
  const next = await ask('chat/completions', { messages });
  expect(next.status).toBe(200);
  expect(next.session).not.toBe(session);
});

test('what comes of parked turns › holds so much together', async () => {
  const { chat, turns, end } = await startSaying({ maxHeldBytes: 100 * KIB });
  for (let count = 0; count < 2; count += 1) {
    const { choices } = JSON.parse((await chat('70 parked', { tools })).text) as Message;
    expect(choices[0].finish_reason).toBe('tool_calls');
  }
  end.resolve();
  const isCancelled = await Promise.race(turns.map((turn) => cancelled(turn)));
  expect(isCancelled).toBe('host_cancelled');
  expect(turns.filter(({ signal }) => signal.aborted)).toHaveLength(1);
});
