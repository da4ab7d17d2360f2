import { describe, it } from 'vitest';
import { Innocents } from './support/neighbours/innocents.ts';
import { expectWithin, suffer } from './support/neighbours/judge.ts';
import { MeteredDaemon } from './support/neighbours/metered-daemon.ts';
import { HEAP_MIB, MINUTES } from './support/neighbours/options.ts';
import { STORMS } from './support/neighbours/storms.ts';

/* Of what is small, very many at once. Each has a daemon of its own: what one has grown to is room for the next. */

describe('many requests at once do no harm to others', () => {
  it.each(STORMS)('$name', { timeout: 120_000 }, async ({ name, run }) => {
    const metered = await MeteredDaemon.start({ heap: MINUTES > 0 ? HEAP_MIB : undefined });
    const innocents = await Innocents.start(metered.daemon);
    await innocents.turns(30);
    const figures = await suffer({ metered, innocents }, run);
    console.log(name, JSON.stringify(figures));
    expectWithin(figures);
  });
});
