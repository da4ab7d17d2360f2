import { NatsCarrier } from './carrier.ts';
import { NatsDirectory } from './directory.ts';
import { EndedTurns } from './ended-turns.ts';
import type { NatsOptions } from './options.ts';

/** What joins a broker to others over NATS. Nothing is connected until it is opened. */
export interface OverNats {
  readonly carrier: NatsCarrier;
  readonly directory: NatsDirectory;
  readonly endedTurns: EndedTurns;
}

/** @throws {NatsError} `config` */
export function overNats(options: NatsOptions): OverNats {
  const carrier = new NatsCarrier(options);
  return { carrier, directory: new NatsDirectory(options, carrier.lives), endedTurns: new EndedTurns(options) };
}
