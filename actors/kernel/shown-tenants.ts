import { isGuest } from '../../protocol/link.ts';
import type { Kernel } from './kernel.ts';
import { type Metric, metric } from './metric.ts';

/**
 * The tenants of which `/metrics` tells each by its name: those that whoever runs the broker has listed, and no others, so that
 * no tenant that comes makes the text grow.
 */
export class ShownTenants {
  /** How many turns each has opened. */
  readonly opened: ReadonlyMap<string, number>;
  readonly #opened: Map<string, number>;

  constructor(names: Iterable<string>) {
    this.#opened = new Map([...names].map((name) => [name, 0]));
    this.opened = this.#opened;
  }

  turnOpened(tenant: string): void {
    const count = this.#opened.get(tenant);
    if (count !== undefined) this.#opened.set(tenant, count + 1);
  }

  /** How many of these each of them has. */
  count(tenantsOfThings: Iterable<string>): ReadonlyMap<string, number> {
    const counts = new Map([...this.#opened.keys()].map((name) => [name, 0]));
    if (counts.size === 0) return counts;
    for (const tenant of tenantsOfThings) {
      const count = counts.get(tenant);
      if (count !== undefined) counts.set(tenant, count + 1);
    }
    return counts;
  }
}

/** What `/metrics` tells of each of them. @param turnsBy - whose the live turns are */
export function tenantMetrics({ tenants, clients, attached }: Kernel, turnsBy: () => Iterable<string>): Metric[] {
  const of = function* (some: Iterable<{ tenant: string }>) {
    for (const { tenant } of some) yield tenant;
  };
  return [
    metric(
      'gauge',
      'tenant_connections',
      'Open connections of the tenants that are listed.',
      () => tenants.count(of([...clients.values()].filter(({ link }) => !isGuest(link)))),
      'tenant',
    ),
    metric(
      'gauge',
      'tenant_agents',
      'Attached agents of the tenants that are listed.',
      () => tenants.count(of(attached.values())),
      'tenant',
    ),
    metric(
      'gauge',
      'tenant_turns',
      'Live turns of the tenants that are listed.',
      () => tenants.count(turnsBy()),
      'tenant',
    ),
    metric(
      'counter',
      'tenant_turns_total',
      'Turns opened since the start, of the tenants that are listed.',
      () => tenants.opened,
      'tenant',
    ),
  ];
}
