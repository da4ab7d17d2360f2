import { surfaceOwnerMachine } from '../../machines/surface-owner.machine.ts';
import type { A2aClient } from '../../protocol/a2a-client.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { principalKey } from '../../protocol/principal.ts';
import { type Facts, listed } from '../kernel/facts.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { metric } from '../kernel/metric.ts';
import { tell } from '../kernel/tell.ts';
import type { Family } from '../requests/family.ts';
import { reapSurfaces, removeSurfacesOf } from './commit.ts';
import { publicEndpoint } from './endpoint.ts';
import { surfaceMethods } from './methods.ts';
import { A2A, surfaceOwnerKind } from './owner.ts';
import { SURFACE_OWNER, type SurfaceOwner } from './owner-record.ts';
import { type Change, toRow } from './surface.ts';
import { SURFACES, Surfaces } from './surfaces.ts';

/** Surfaces: what agents draw for people, by A2UI (`wire.md` section 11). */
export const surfaces: Family<{ a2a: A2aClient }> = {
  name: 'surfaces',
  charts: [
    {
      machine: surfaceOwnerMachine,
      facts: ({ owner }, kernel) => factsOf(owner, kernel),
      shown: { 'owner.changed': changesOf },
    },
  ],
  install(kernel, { a2a }) {
    const book = kernel.put(SURFACES, new Surfaces());
    kernel.put(SURFACE_OWNER, surfaceOwnerKind(kernel));
    kernel.put(A2A, a2a);
    return {
      methods: surfaceMethods,
      metrics: [
        metric('gauge', 'surfaces', 'Surfaces.', () => book.size),
        metric(
          'counter',
          'surface_actions_total',
          'Actions on surfaces since the start, by what came of them: none has no A2A agent to go to.',
          () => book.actionCounts,
          'outcome',
        ),
      ],
      connectionEnded: (client) => book.unsubscribe(client),
      agentRemoved: (agentId) => removeSurfacesOf(kernel, agentId),
      // Nobody has touched them for an hour.
      sweep: () => void reapSurfaces(kernel),
      drain() {
        for (const { ref } of book.owners()) if (ref) tell(kernel.ref, ref, { type: 'owner.drain' });
      },
      brokerFacts: () => ({ surfaces: book.size }),
    };
  },
};

/** Its actions on their way are told by their ids alone: a route holds credentials. */
function factsOf(owner: SurfaceOwner, kernel: Kernel): Facts {
  const { of, surfaceKeys, pending, startedAt } = owner;
  const { room, agentId, endpoint } = of;
  const fields = {
    agent_id: agentId ?? null,
    room: principalKey(room),
    endpoint: endpoint === undefined ? undefined : publicEndpoint(endpoint),
    surfaces: listed(surfaceKeys, surfaceKeys.size),
    pending_actions: listed(pending.keys(), pending.size),
  };
  return { label: agentId ?? 'hosts', startedAt: kernel.wall.of(startedAt), fields };
}

/** Changes of one event that are shown. */
const MAX_CHANGES = 10;

/** What has become of surfaces, as listings show it: a route has credentials, and its endpoint may have a key in it. */
function changesOf(event: JsonObject): JsonObject {
  const changes = event.changes as readonly Change[];
  const shown = changes.slice(0, MAX_CHANGES).map(({ key, after }) => {
    return after ? toRow(after, key) : { surfaceId: key, deleted: true };
  });
  return { changes: shown, ...(changes.length > MAX_CHANGES ? { more: changes.length - MAX_CHANGES } : {}) };
}
