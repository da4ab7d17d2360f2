import { beforeAll, describe, expect, test, vi } from 'vitest';
import { a2a, E1, last, payloadOf } from '../support/a2a.ts';
import { create, data, loadSurfaceSchemas } from '../support/surfaces.ts';
import { SocketClient, startListening } from './socket-client.ts';

/* Somebody changes large surfaces far more often than a subscriber reads (`wire.md` sections 9 and 11). */

beforeAll(loadSurfaceSchemas);
// Much is moved, and not all machines are quick.
vi.setConfig({ testTimeout: 60_000 });

const SURFACES = 150;
const LARGE = 'x'.repeat(250_000);

/** A subscriber with a live turn, and somebody who has made large surfaces. */
async function setUp(surfaces: number) {
  const { broker, address } = await startListening({ a2a });
  const agent = await SocketClient.agent(broker, address, 'bot');
  const victim = await SocketClient.host(broker, address);
  const other = await SocketClient.host(broker, address);
  for (let n = 0; n < surfaces; n += 1) {
    const payload = payloadOf(create(`s${n}`), data(`s${n}`, '/large', LARGE));
    await other.ok('a2ui.ingest', { payload, endpoint: E1 });
  }
  await victim.ok('a2ui/subscribe', {});
  await victim.ok('agents.chat', { agent_id: 'bot', session_id: 'x', prompt: 'hi' });
  const updates = () =>
    victim.frames.filter(({ params }) => params?.kind === 'a2ui.surface_updated').map(({ params }) => params.result);
  return { agent, victim, other, updates };
}

type Setting = Awaited<ReturnType<typeof setUp>>;

/** The subscriber reads on: its turn has gone on, and of each surface it has the newest. */
async function readsOn({ agent, victim, updates }: Setting, surfaces: number, n: number): Promise<void> {
  victim.ws.resume();
  agent.emit('x', { kind: 'token', delta: 'still here' });
  agent.emit('x', { kind: 'done', finish_reason: 'stop' });
  const newest = () => new Map(updates().map(({ surfaceId, surface }) => [surfaceId, surface.dataModel.n]));
  const isWhole = () => newest().size === surfaces && [...newest().values()].every((value) => value === n);
  const ended = () => victim.frames.find(({ params }) => params?.kind === 'done');
  await Promise.race([victim.until(() => isWhole() && ended() !== undefined), victim.closed]);
  expect(victim.ws.readyState).toBe(victim.ws.OPEN);
  expect(ended()?.params).toMatchObject({ finish_reason: 'stop' });
  expect(isWhole()).toBe(true);
}

describe('a subscriber that does not read meanwhile › then its turn lives, and it is told what is newest, when somebody', () => {
  test('changes one large surface again and again', async () => {
    const setting = await setUp(1);
    const { victim, other, updates } = setting;
    victim.ws.pause();
    for (let n = 1; n <= 400; n += 1) {
      other.send({ jsonrpc: '2.0', method: 'a2ui.apply', params: data('s0', '/n', n) });
    }
    await other.ok('a2ui.surfaces', {});
    await readsOn(setting, 1, 400);
    expect(updates().length).toBeLessThan(100);
  });

  test.each(['ingest', 'an answer of an A2A agent'])('changes very many of them at once, by %s', async (way) => {
    const setting = await setUp(SURFACES);
    const { victim, other } = setting;
    const payload = payloadOf(...Array.from({ length: SURFACES }, (_, n) => data(`s${n}`, '/n', 1)));
    victim.ws.pause();
    if (way === 'ingest') {
      const { applied } = await other.ok('a2ui.ingest', { payload });
      expect(applied).toHaveLength(SURFACES);
      // Whoever asks is not sent all of them in one frame either.
      expect(applied.filter(({ surface }: { surface?: object }) => surface).length).toBeLessThan(10);
    } else {
      const id = other.post('a2ui.action', { name: 'go', surfaceId: 's0', sourceComponentId: 'b' });
      await other.ok('a2ui.surfaces', {});
      last().answer({ payload });
      await other.until(() => other.frames.some((frame) => frame.id === id));
    }
    await readsOn(setting, SURFACES, 1);
  });
});
