import type { Refusal } from './checks.ts';

/**
 * Why somebody was refused before anything else: by `Host`, by `Origin`, as a page of another site that says none, by a
 * certificate that does not count, or for want of one.
 */
export type StrangerReason = 'host' | 'origin' | 'site' | 'certificate' | 'no_certificate';

/** Each reason is told at most this often, in milliseconds: who is refused may ask as often as he likes. */
const QUIET_MS = 60_000;
/** Of what a stranger calls himself only so much is told. */
const MAX_SHOWN = 256;

/** Whom the checks of `wire.md` section 1 have turned away: counted, and told to whoever runs the broker once a minute. */
export class Strangers {
  readonly #tell: (reason: StrangerReason, value: string, count: number) => void;
  readonly #counts = new Map<string, number>([
    ['host', 0],
    ['origin', 0],
    ['site', 0],
    ['certificate', 0],
    ['no_certificate', 0],
  ]);
  readonly #told = new Map<StrangerReason, { at: number; count: number }>();
  readonly #now: () => number;

  /** @param tell `value`: the header, cut off. `count`: how many since the reason was last told, this one included. */
  constructor(
    tell: (reason: StrangerReason, value: string, count: number) => void,
    now: () => number = () => performance.now(),
  ) {
    this.#tell = tell;
    this.#now = now;
  }

  /** How often, by reason, since the start. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  refuse({ reason, value = '' }: Partial<Refusal>): void {
    if (reason === undefined) return;
    const count = (this.#counts.get(reason) ?? 0) + 1;
    this.#counts.set(reason, count);
    const told = this.#told.get(reason);
    const now = this.#now();
    if (told && now - told.at < QUIET_MS) return;
    this.#told.set(reason, { at: now, count });
    this.#tell(reason, value.slice(0, MAX_SHOWN), count - (told?.count ?? 0));
  }
}

/** A flag's value that may be copied from a log as it stands. */
const PLAIN = /^[\w.:/[\]-]+$/;

/** What to tell whoever runs the broker of a stranger. */
export function adviceOn(reason: StrangerReason, value: string): string {
  const named = (placeholder: string) => (PLAIN.test(value) ? value : placeholder);
  switch (reason) {
    case 'origin':
      return `refused a web page whose origin is not allowed; if it is yours: --allow-origin ${named('ORIGIN')} (or allowedOrigins)`;
    case 'host':
      return `refused a request whose Host is none of this machine's; if your proxy sends it: --allow-host ${named('HOST').replace(/:\d+$/, '')} (or allowedHosts)`;
    case 'no_certificate':
      return 'refused a client without a certificate; --tls-client-auth require (or clientAuth) wants one';
    case 'certificate':
      return `a client's certificate does not count: ${named('it cannot be checked')}; it has to be signed by --tls-ca (or ca), and in date`;
    case 'site':
      return 'refused a request of another site’s page that does not say its origin; it has to be a link that somebody follows';
  }
}
