import { expect, test } from 'vitest';
import { deferred, startFronts } from '../front-scene.ts';
import { headOf, Raw } from '../raw.ts';
import { answerOf, byId, clientOf } from './client.ts';

const message = { messageId: 'm', role: 'ROLE_USER', parts: [{ text: 'hi' }] };
const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'SendStreamingMessage', params: { message } });

test('who does not read for a while is told the same text in fewer pieces, and the task goes on meanwhile', async () => {
  const pieces = 5_000;
  const scene = await startFronts({ broker: { limits: { softLimitBytes: 10_000 } } });
  const said = deferred();
  await scene.agent('echo', async (turn) => {
    for (let at = 0; at < pieces; at += 1) {
      turn.token(`${at}`.padEnd(1_024, '.'));
      if (at % 100 === 99) await new Promise((resolve) => setImmediate(resolve));
    }
    said.resolve();
  });
  const raw = new Raw(scene.port);
  raw.write(headOf(scene.token, body.length, 'A2A-Version: 1.0').replace('/v1/chat/completions', '/a2a/echo') + body);
  await raw.until('TASK_STATE_SUBMITTED');
  raw.socket.pause();
  await said.promise;
  raw.socket.resume();
  await raw.until('TASK_STATE_COMPLETED');
  const texts = [...raw.text.matchAll(/"text":"(\d[^"]+)"/g)].map(([, text]) => text ?? '');
  const numbers = (text: string) => text.match(/\d+/g)?.map(Number);
  const all = Array.from({ length: pieces }, (_, at) => at);
  expect(numbers(texts.join(''))).toEqual(all);
  expect(texts.length).toBeLessThan(pieces);
  const [, id = ''] = /"id":"([0-9a-f-]{36})"/.exec(raw.text) ?? [];
  expect(numbers(answerOf(await (await clientOf(scene)).getTask(byId(id))))).toEqual(all);
});
