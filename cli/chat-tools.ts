import { z } from 'zod';
import type { Host } from '../client/node.ts';
import { explain } from './explain.ts';
import { type Io, tell } from './io.ts';

/** Offers the agents of a chat two tools that do no harm, so that a newcomer sees tools at work. */
export async function offerTools(io: Io, host: Host): Promise<void> {
  try {
    await host.tool('clock', { description: 'Tells the time', parameters: clockParameters }, tellTime);
    await host.tool('dice', { description: 'Throws a die', parameters: diceParameters }, throwDie);
  } catch (error) {
    // A chat is worth having without them.
    tell(io, `[no tools are offered: ${explain(error, io.env).message}]`);
  }
}

const clockParameters = z.object({
  time_zone: z.string().optional().describe("an IANA time zone, like Europe/Brussels; default: the user's own"),
});

function tellTime({ time_zone: timeZone }: z.output<typeof clockParameters>): object {
  const now = new Date();
  const local = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'long', timeZone });
  return { utc: now.toISOString(), local: local.format(now) };
}

const diceParameters = z.object({ sides: z.int().min(2).max(1_000).default(6) });

function throwDie({ sides }: z.output<typeof diceParameters>): number {
  return 1 + Math.floor(Math.random() * sides);
}
