import type { Faults } from './faults.ts';
import type { Gateway } from './gateway.ts';
import { listenLoopback } from './listen-loopback.ts';
import { type Address, Listener, type ListenOptions } from './listener.ts';
import { checkCertificates, type TlsCertificates, TlsFault, type TlsOptions } from './tls-options.ts';

const STOPPING = 'the broker is stopping';

/** All that one broker listens on. */
export class Ports {
  readonly #gateway: Gateway;
  readonly #faults: Faults;
  readonly #warn: (text: string) => void;
  readonly #listeners = new Set<Listener>();
  #isClosing = false;

  /** @param warn hears of certificates that are used all the same. */
  constructor(gateway: Gateway, faults: Faults, warn: (text: string) => void) {
    this.#gateway = gateway;
    this.#faults = faults;
    this.#warn = warn;
  }

  /** @throws {Error} Node's own; once it is stopping. @throws {TlsFault} */
  async listen(where: ListenOptions, defaultPort: number): Promise<Address> {
    if (this.#isClosing) throw new Error(STOPPING);
    const { address, listeners } = await ('socket' in where
      ? listenOn(this.#listener('unix'), where)
      : this.#tcp(where, defaultPort));
    if (this.#isClosing) {
      await Promise.all(listeners.map((listener) => listener.close()));
      throw new Error(STOPPING);
    }
    for (const listener of listeners) this.#listeners.add(listener);
    return address;
  }

  /**
   * Shows other certificates on all ports that speak TLS, to whoever comes from now on.
   * @throws {TlsFault} where they cannot be used; then all is as it was. @throws {Error} where there is no such port.
   */
  renew(tls: TlsCertificates): void {
    const secured = [...this.#listeners].filter((listener) => listener.tls !== undefined);
    if (secured.length === 0) throw new Error('no port speaks TLS');
    const warnings = checkCertificates(tls);
    const asks = secured.some(({ tls: { clientAuth = 'none' } = {} }) => clientAuth !== 'none');
    if (asks && tls.ca === undefined) throw new TlsFault('ca', 'is missing, and clients are asked for a certificate');
    for (const listener of secured) listener.renew(tls);
    for (const warning of warnings) this.#warn(warning);
  }

  /** Nothing new is listened on. */
  stop(): void {
    this.#isClosing = true;
  }

  /** Stops listening. */
  async close(): Promise<void> {
    this.stop();
    await Promise.all([...this.#listeners].map((listener) => listener.close()));
  }

  #tcp({ host, port, tls }: Exclude<ListenOptions, { socket: string }>, defaultPort: number) {
    const warnings = tls === undefined ? [] : checkCertificates(tls);
    for (const warning of warnings) this.#warn(warning);
    const wanted = port ?? defaultPort;
    if (host !== undefined) return listenOn(this.#listener('tcp', tls), { host, port: wanted });
    return listenLoopback(() => this.#listener('tcp', tls), wanted);
  }

  #listener(kind: 'tcp' | 'unix', tls?: TlsOptions): Listener {
    return new Listener(this.#gateway, kind, this.#faults, tls);
  }
}

async function listenOn(listener: Listener, at: Parameters<Listener['listen']>[0]) {
  return { address: await listener.listen(at), listeners: [listener] };
}
