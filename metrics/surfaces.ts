import { Counter, Gauge, type Registry } from 'prom-client';
import type { BrokerState } from '../actors/kernel/broker-state.ts';

/** What `/metrics` tells of surfaces. */
export function addSurfaces(registry: Registry, state: BrokerState): void {
  registry.registerMetric(
    new Gauge({
      name: 'switchboard_surfaces',
      help: 'Surfaces.',
      registers: [],
      collect() {
        this.set(state.surfaces.size);
      },
    }),
  );
  registry.registerMetric(
    new Counter({
      name: 'switchboard_surface_actions_total',
      help: 'Actions on surfaces since the start, by what came of them: none has no A2A agent to go to.',
      labelNames: ['outcome'],
      registers: [],
      collect() {
        this.reset();
        for (const [outcome, count] of state.counters.surfaceActions) this.inc({ outcome }, count);
      },
    }),
  );
}
