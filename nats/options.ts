import { existsSync } from 'node:fs';
import { isPeerName } from '../link/frame.ts';
import type { Credentials } from './credentials.ts';
import { NatsError } from './errors.ts';

/** How one broker reaches NATS. */
export interface NatsOptions {
  /** `nats://host:port`, or `tls://` where nothing else will do; one suffices, the others of its cluster are learned from it. */
  readonly servers: readonly string[];
  /** The name of the brokers' cluster: 1–64 of `[A-Za-z0-9_-]`. */
  readonly cluster: string;
  /** This broker's name, unlike any other's, and the id of its life: the same characters. */
  readonly self: { readonly id: string; readonly epoch: string };
  readonly credentials?: Credentials;
  /** Certificates, PEM, read anew at each connection. With any of them there is no connection without TLS. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** On how many servers everything is kept: 1, 3 or 5. Default: 3, and 1 where the server is alone. */
  readonly replicas?: number;
  /** How long a server is looked for at the start. Milliseconds. Default: 10,000. */
  readonly connectMs?: number;
  /** Hears what people should know. Never throws. */
  readonly tell?: (news: NatsNews) => void;
}

/** What happens with NATS; `message` is a line for the log, without secrets. */
export interface NatsNews {
  readonly level: 'info' | 'warn';
  readonly message: string;
}

const SERVER = /^(?:(nats|tls):\/\/)?((?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?)\/?$/;

/** Whether that is an address of a server: without a user and a password, which have files of their own. */
export const isServerUrl = (url: string): boolean => {
  const found = SERVER.exec(url);
  return found !== null && (found[3] === undefined || (Number(found[3]) > 0 && Number(found[3]) < 65_536));
};

/** Whether there is to be no connection without TLS. */
export const wantsTls = ({ servers, tls }: Pick<NatsOptions, 'servers' | 'tls'>): boolean =>
  tls !== undefined || servers.some((url) => url.startsWith('tls://'));

/**
 * Looks at what can be wrong before anything is connected.
 * @throws {NatsError} `config`
 */
export function checkOptions({ servers, self, tls = {}, replicas = 1 }: NatsOptions): void {
  if (servers.length === 0) throw new NatsError('config', 'no server of NATS is named');
  // Not shown: it may be what nobody was to see.
  if (!servers.every(isServerUrl)) {
    throw new NatsError('config', 'a server of NATS is nats://HOST:PORT or tls://HOST:PORT, without user and password');
  }
  if (!isPeerName(self.id) || !isPeerName(self.epoch)) {
    throw new NatsError('config', 'the name of a broker, and that of its life, have 1 to 64 letters, digits, - and _');
  }
  if (![1, 3, 5].includes(replicas)) throw new NatsError('config', 'NATS keeps 1, 3 or 5 copies');
  for (const file of [tls.ca, tls.cert, tls.key]) {
    if (file !== undefined && !existsSync(file)) throw new NatsError('config', `there is no ${file}`);
  }
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw new NatsError('config', 'a certificate for NATS goes with its key');
  }
}
