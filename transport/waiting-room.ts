import { isIPv6 } from 'node:net';
import { isLoopbackAddress } from './checks.ts';

/** So long whoever comes in may stay, in milliseconds, however many wait: an honest client needs less. */
const PATIENCE_MS = 1_000;
/** All of a machine, and many a proxy's clients, share loopback: so many times as much as of another address. */
const LOOPBACK_SHARE = 4;

interface Guest {
  address: string | undefined;
  since: number;
}

/** Those of one address, the longest there first; `count` has the others too. */
interface Party<T> {
  count: number;
  waiting: Set<T>;
}

/** Those who have not shown yet who they are: bounded in all, and for each peer address. The longest there makes room. */
export class WaitingRoom<T> {
  readonly #max: number;
  readonly #maxPerAddress: number;
  readonly #evict: (guest: T) => void;
  readonly #guests = new Map<T, Guest>();
  /** Those that may be evicted, the longest there first. */
  readonly #waiting = new Set<T>();
  readonly #parties = new Map<string, Party<T>>();

  constructor(max: number, maxPerAddress: number, evict: (guest: T) => void) {
    this.#max = max;
    this.#maxPerAddress = maxPerAddress;
    this.#evict = evict;
  }

  get size(): number {
    return this.#guests.size;
  }

  has(guest: T): boolean {
    return this.#guests.has(guest);
  }

  /** Whether one more of this address may come in; who has to go for it goes. Undefined: no address, a Unix socket. */
  hasRoom(address: string | undefined): boolean {
    const party = address === undefined ? undefined : this.#parties.get(address);
    if (party && party.count >= this.#share(address as string)) return this.#makeRoom(party.waiting);
    return this.#guests.size < this.#max || this.#makeRoom(this.#waiting);
  }

  enter(guest: T, address: string | undefined): void {
    this.leave(guest);
    this.#guests.set(guest, { address, since: performance.now() });
    this.#waiting.add(guest);
    if (address === undefined) return;
    const party = this.#parties.get(address) ?? { count: 0, waiting: new Set() };
    this.#parties.set(address, party);
    party.count += 1;
    party.waiting.add(guest);
  }

  /** It has something to do here from now on: its time begins anew, or, where it `stays`, it is not sent away. */
  touch(guest: T, stays = false): void {
    const entry = this.#guests.get(guest);
    if (!entry) return;
    entry.since = performance.now();
    for (const order of [this.#waiting, this.#partyOf(entry)?.waiting]) {
      order?.delete(guest);
      if (!stays) order?.add(guest);
    }
  }

  /** One that is not here is no error. */
  leave(guest: T): void {
    const entry = this.#guests.get(guest);
    if (!entry) return;
    this.#guests.delete(guest);
    this.#waiting.delete(guest);
    const party = this.#partyOf(entry);
    if (!party) return;
    party.waiting.delete(guest);
    party.count -= 1;
    if (party.count === 0) this.#parties.delete(entry.address as string);
  }

  /** Those who have been here longer than this. */
  *longerThan(ms: number): Iterable<T> {
    const oldest = performance.now() - ms;
    for (const guest of this.#waiting) {
      if ((this.#guests.get(guest) as Guest).since > oldest) return;
      yield guest;
    }
  }

  #share(address: string): number {
    return isLoopbackAddress(address) ? this.#maxPerAddress * LOOPBACK_SHARE : this.#maxPerAddress;
  }

  #partyOf({ address }: Guest): Party<T> | undefined {
    return address === undefined ? undefined : this.#parties.get(address);
  }

  #makeRoom(waiting: Set<T>): boolean {
    const [longest] = waiting;
    const entry = longest === undefined ? undefined : this.#guests.get(longest);
    if (longest === undefined || !entry || performance.now() - entry.since < PATIENCE_MS) return false;
    this.leave(longest);
    this.#evict(longest);
    return true;
  }
}

/** Where a peer counts: its address, or of IPv6 the network that one customer is given, a /64. */
export function peerOf({ remoteAddress }: { remoteAddress?: string | undefined }): string | undefined {
  if (remoteAddress === undefined) return undefined;
  const plain = remoteAddress.replace(/^::ffff:(?=\d+\.)/i, '');
  if (!isIPv6(plain) || isLoopbackAddress(plain)) return plain;
  const [head = ''] = plain.split('::', 1);
  const groups = head.split(':').filter((group) => group !== '');
  return `${[...groups, '0', '0', '0', '0'].slice(0, 4).join(':')}::/64`;
}
