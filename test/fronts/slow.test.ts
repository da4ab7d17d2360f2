import { describe, expect, test } from 'vitest';
import { readMetric } from '../support/metrics.ts';
import { cancelled, deferred, startFronts } from './front-scene.ts';
import { headOf, Raw } from './raw.ts';

const body = JSON.stringify({ model: 'echo', stream: true, messages: [{ role: 'user', content: 'hi' }] });

async function startFlood(limits: object, pieces: number, size = 1_000) {
  const scene = await startFronts({ broker: { limits } });
  const said = deferred();
  const { turn } = await scene.agent('echo', async (turn) => {
    for (let at = 0; at < pieces && !turn.signal.aborted; at += 1) {
      turn.token(`${at}`.padEnd(size, '.'));
      if (at % 100 === 99) await new Promise((resolve) => setImmediate(resolve));
    }
    said.resolve();
    return undefined;
  });
  return { ...scene, turn, said: said.promise };
}

describe('a reader that does not read', () => {
  test('is cut, and its turn cancelled', async () => {
    const { port, token, turn } = await startFlood(
      { softLimitBytes: 10_000, hardLimitBytes: 100_000, cutBytes: 1_000_000 },
      100_000,
    );
    const raw = new Raw(port);
    raw.socket.pause();
    raw.write(headOf(token, body.length) + body);
    expect(await cancelled(await turn())).toBe('host_cancelled');
    raw.socket.resume();
    await raw.closed;
    expect(raw.text).not.toContain('[DONE]');
  });

  test('for a moment › gets the same text, in fewer pieces', async () => {
    const pieces = 10_000;
    const { port, token, said } = await startFlood({ softLimitBytes: 10_000 }, pieces);
    const raw = new Raw(port);
    raw.socket.pause();
    raw.write(headOf(token, body.length) + body);
    await said;
    raw.socket.resume();
    await raw.until('[DONE]');
    const deltas = [...raw.text.matchAll(/"delta":\{"content":"([^"]+)"\}/g)].map(([, text]) => text ?? '');
    expect(deltas.join('').match(/\d+/g)?.map(Number)).toEqual(Array.from({ length: pieces }, (_, at) => at));
    expect(deltas.length).toBeLessThan(pieces);
  });

  test.each([
    ['as a whole', false],
    ['and has ended', true],
  ])(
    'what it was sent %s › is cut after the time that a page may take',
    async (_name, stream) => {
      const { port, token, broker, said } = await startFlood({ pageTimeoutMs: 300 }, 7_000);
      const asked = JSON.stringify({ model: 'echo', stream, messages: [{ role: 'user', content: 'hi' }] });
      const raw = new Raw(port);
      raw.socket.pause();
      raw.write(headOf(token, asked.length) + asked);
      await said;
      await expect.poll(() => readMetric(broker, 'plain_connections')).toEqual({});
      raw.socket.resume();
      await raw.closed;
      expect(raw.text.length).toBeGreaterThan(1_000);
      expect(raw.text.length).toBeLessThan(7_000_000);
    },
    30_000,
  );
});
