import { expect, test, vi } from 'vitest';
import { loadedSchemas } from '../../actors/surfaces/schemas.ts';
import { startLinked } from '../support/linked.ts';
import { create, data } from '../support/surfaces.ts';

/* Alone in its file: what loads the schemas once has them for good. */

test('a2ui › when the first calls come before the schemas are there › then they wait, and keep their order', async () => {
  const linked = startLinked();
  const host = await linked.host();
  expect(loadedSchemas()).toBeUndefined();
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
  expect(host.replyTo(got).result.surface.dataModel).toEqual({ a: 1 });
  expect(host.replyTo(acted).result.route).toEqual({ status: 'none' });
  expect(host.replyTo(listed).result.surfaces).toHaveLength(1);
}, 30_000);
