import { expect, test, vi } from 'vitest';
import { loadedSchemas } from '../../../actors/surfaces/schemas.ts';
import { startLinked } from '../../support/linked.ts';
import { create, data } from '../../support/surfaces.ts';

/* Alone in its file: what loads the schemas once has them for good. */

test('a2ui › when the first calls come before the schemas are there › then they wait, and keep their order', async () => {
  const linked = startLinked();
  const host = await linked.host();
  const [quick, removed, manager] = [await linked.host(), await linked.agent('ada'), await linked.manager()];
  expect(loadedSchemas()).toBeUndefined();
  quick.notify('a2ui.apply', create('of-one-that-went'));
  removed.notify('a2ui.apply', create('of-the-removed'));
  quick.close();
  manager.post('agents.remove', { id: 'ada' });
  const ids = [
    host.post('a2ui.apply', create('s')),
    host.post('a2ui.apply', data('s', '/a', 1)),
    host.post('a2ui.apply', { version: 'v0.9' }),
    host.post('a2ui.get', { surfaceId: 's' }),
    host.post('a2ui.action', { name: 'go', surfaceId: 's', sourceComponentId: 'b' }),
    host.post('a2ui.surfaces'),
  ];
  const [, , bad = 0, got = 0, acted = 0, listed = 0] = ids;
  await vi.waitFor(() => expect(host.replyTo(listed)).toBeDefined(), 20_000);
  expect(host.frames.slice(-ids.length).map(({ id }) => id)).toEqual(ids);
  expect(host.replyTo(bad).error.code).toBe(-32602);
  expect(host.replyTo(got).result.dataModel).toEqual({ a: 1 });
  expect(host.replyTo(acted).result.route).toEqual({ status: 'none' });
  // A surface outlives the connection that asked for it; an agent that was removed makes none.
  const surfaces: { surfaceId: string }[] = host.replyTo(listed).result;
  expect(surfaces.map(({ surfaceId }) => surfaceId)).toEqual(['of-one-that-went', 's']);
}, 30_000);
