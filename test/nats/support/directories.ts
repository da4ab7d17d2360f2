import { expect, vi } from 'vitest';
import type { Place } from '../../../cluster/directory.ts';
import { NatsDirectory } from '../../../nats/directory.ts';
import { Lives } from '../../../nats/lives.ts';
import type { NatsOptions } from '../../../nats/options.ts';
import { own } from '../../e2e/support/cleanup.ts';
import type { NatsServer } from '../../support/nats-servers.ts';
import { optionsOf } from './brokers.ts';

/** Which brokers of a test are heard. Whoever is not, and was listened for long enough, is forgotten, and over. */
export class HeardLives extends Lives {
  /** Time goes by in which nobody but those is heard. */
  pass(...alive: readonly { id: string; epoch: string }[]): void {
    for (let n = 0; n < 20; n += 1) {
      for (const { id, epoch } of alive) this.heard(id, epoch);
      this.passed(true);
    }
    for (const { id, epoch } of alive) this.heard(id, epoch);
  }
}

/** A broker's directory, which is open, and what it tells. */
export async function directoryOf(
  servers: readonly NatsServer[],
  cluster: string,
  id: string,
  lives: HeardLives,
  also: Partial<NatsOptions> = {},
) {
  const options = optionsOf(servers, cluster, id, also);
  const { self } = options;
  lives.heard(self.id, self.epoch);
  const told: string[] = [];
  const news: string[] = [];
  const places = new Map<string, Place>();
  const directory = new NatsDirectory({ ...options, tell: ({ message }) => news.push(message) }, lives);
  await directory.open(self, {
    attached: (agentKey, place) => {
      told.push(`${agentKey} at ${place.broker} ${place.client}`);
      places.set(agentKey, place);
    },
    detached: (agentKey, place) => {
      told.push(`${agentKey} left ${place.broker} ${place.client}`);
      places.delete(agentKey);
    },
    registered: (name, record) => told.push(`${name} is ${record}`),
  });
  own(() => directory.close());
  const hears = (...lines: string[]) => vi.waitFor(() => expect(told).toEqual(expect.arrayContaining(lines)));
  return { directory, told, news, places, self, hears };
}
