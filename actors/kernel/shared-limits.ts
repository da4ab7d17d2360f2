import type { Identity } from '../../machines/connection.machine.ts';
import { isSocket, type Link } from '../../protocol/link.ts';
import { isSamePrincipal, LOCAL, principalKey } from '../../protocol/principal.ts';
import {
  type KeyLimit,
  type KeyLimits,
  type LimitName,
  type LimitScope,
  type Measure,
  SHARED_LIMITS,
  type SharedLimits,
} from '../../protocol/shared-limits.ts';
import { Account, Accounts, type Reached, type ScopeLimits, takeOne, toLimitError } from './accounts.ts';
import type { Client } from './client.ts';
import type { BrokerClock } from './deadlines.ts';

/** What a tenant has kept. */
type Kept = Extract<Measure, 'agents' | 'keys' | 'listed' | 'events'>;

/** Accounts of those who are gone and still owe something. Beyond it the oldest is forgiven. */
const MAX_IDLE = 10_000;

/**
 * Limits that all connections of one person, one agent, one tenant or one key share. Whoever has none set has no accounts, and pays one
 * look at that for a frame. A limit is this broker's own: it is not known elsewhere.
 */
export class LimitBook {
  readonly #clock: BrokerClock;
  readonly #limits: Readonly<Record<Exclude<LimitScope, 'key'>, ScopeLimits>>;
  /** By scope and name. */
  readonly #accounts = new Map<string, Account>();
  /** How often a limit refused something, or held somebody up, by its name. */
  readonly reached = new Map<LimitName, number>();

  constructor(limits: SharedLimits, clock: BrokerClock) {
    this.#clock = clock;
    const of = (scope: LimitScope): ScopeLimits =>
      new Map(
        Object.entries(limits).flatMap(([name, value]) =>
          name.startsWith(`${scope}.`) ? [[name.slice(scope.length + 1) as Measure, value]] : [],
        ),
      );
    this.#limits = { identity: of('identity'), agent: of('agent'), tenant: of('tenant') };
    for (const name of SHARED_LIMITS) if (limits[name] !== undefined) this.reached.set(name, 0);
  }

  /** How many accounts there are. */
  get size(): number {
    return this.#accounts.size;
  }

  /** The limit that keeps one more connection of somebody out. One inside this process is no socket, and is not counted. */
  keepsOut(link: Link, identity: Identity): Reached | undefined {
    return isSocket(link) ? this.of(identity)?.isFull('connections') : undefined;
  }

  /** A client has said who it is. What it does counts from here on. */
  enter(client: Client): void {
    this.leave(client);
    const accounts = client.identity && this.of(client.identity);
    if (!accounts) return;
    client.accounts = accounts;
    accounts.add('holders', 1);
    if (isSocket(client.link)) accounts.add('connections', 1);
  }

  /** A client is gone. */
  leave(client: Client): void {
    const { accounts } = client;
    if (!accounts) return;
    client.accounts = undefined;
    accounts.add('holders', -1);
    if (isSocket(client.link)) accounts.add('connections', -1);
  }

  /**
   * Counts one more chat, of somebody who has paid for what came in those before.
   * @param isOneMore - false: it takes the place of another
   * @throws {WireError} `-32020`, where it helps with when to come again; then nothing was counted
   */
  demandChat(accounts: Accounts | undefined, isOneMore: boolean): void {
    if (!accounts) return;
    const reached = (isOneMore ? accounts.isFull('turns') : undefined) ?? accounts.owedDeltas(this.#clock.now());
    if (reached) throw this.refusal(reached);
    this.#demand('chats', accounts.all);
  }

  /**
   * Counts one more tool call: of whoever opened the turn, and of its agent; of their tenant once.
   * @throws {WireError} `-32020` with when to come again; then nothing was counted
   */
  demandTool(opener: Accounts | undefined, agent: Accounts | undefined): void {
    if (opener || agent) this.#demand('tools', new Set([...(opener?.all ?? []), ...(agent?.all ?? [])]));
  }

  /**
   * Whether somebody may have their tenant keep one more of these, of which it has `count`.
   * @throws {WireError} `-32020`
   */
  demandPlace(kept: Exclude<Kept, 'events'>, { principal }: Pick<Client, 'principal'>, count: number): void {
    const value = this.#limits.tenant.get(kept) ?? Number.POSITIVE_INFINITY;
    if (count >= value && !isSamePrincipal(principal, LOCAL))
      throw this.refusal({ name: `tenant.${kept}`, value, ms: 0 });
  }

  /** How many of these a tenant may have, where that is set. */
  ofTenants(kept: Kept): number | undefined {
    return this.#limits.tenant.get(kept);
  }

  #demand(rate: 'chats' | 'tools', accounts: Iterable<Account>): void {
    const reached = takeOne(accounts, rate, this.#clock.now());
    if (reached) throw this.refusal(reached);
  }

  /** Counts it, and gives what whoever asked is told. */
  refusal(reached: Reached) {
    this.count(reached.name);
    return toLimitError(reached);
  }

  count(name: LimitName): void {
    this.reached.set(name, (this.reached.get(name) ?? 0) + 1);
  }

  /** Forgets the accounts of those who are gone and owe nothing. */
  sweep(now: number): void {
    let idle = 0;
    for (const [key, account] of this.#accounts) {
      if (account.isAsNew(now)) this.#accounts.delete(key);
      else if (account.isIdle) idle += 1;
    }
    for (const [key, account] of this.#accounts) {
      if (idle <= MAX_IDLE) return;
      if (!account.isIdle) continue;
      this.#accounts.delete(key);
      idle -= 1;
    }
  }

  /** What somebody's doings count in, on whichever connection. Undefined: nothing limits them. */
  of({ principal, role, key }: Pick<Identity, 'principal' | 'role' | 'key'>): Accounts | undefined {
    // One person on one machine, all windows are theirs: the bounds of each connection are enough.
    if (role !== 'agent' && isSamePrincipal(principal, LOCAL)) return undefined;
    const scope = role === 'agent' ? 'agent' : 'identity';
    const own = [
      this.#account(scope, principalKey(principal), this.#limits[scope]),
      key?.limits && this.#account('key', key.id, limitsOf(key.limits)),
    ].filter((account) => account !== undefined);
    const tenant = this.#account('tenant', principal.tenant, this.#limits.tenant);
    return own.length > 0 || tenant ? new Accounts(own, tenant, role === 'agent') : undefined;
  }

  #account(scope: LimitScope, name: string, limits: ScopeLimits): Account | undefined {
    if (limits.size === 0) return undefined;
    const key = `${scope} ${name}`;
    const known = this.#accounts.get(key);
    // A key that was removed, and made anew with others, is another.
    if (known?.limits === limits) return known;
    const made = new Account(scope, limits, this.#clock.now());
    this.#accounts.set(key, made);
    return made;
  }
}

const ofKeys = new WeakMap<KeyLimits, ScopeLimits>();

/** The same for a key each time. */
function limitsOf(limits: KeyLimits): ScopeLimits {
  const known = ofKeys.get(limits);
  if (known) return known;
  const set = Object.entries(limits).filter((one): one is [KeyLimit, number] => one[1] !== undefined);
  const made: ScopeLimits = new Map(set);
  ofKeys.set(limits, made);
  return made;
}
