import { isReservedSubject, isSamePrincipal, type Principal } from '../../../protocol/principal.ts';
import type { Json } from '../../../protocol/turn-journal.ts';
import { tokenMatches } from '../../connection/agent-registry.ts';
import type { Client } from '../../kernel/client.ts';

/** The claim of a controller that gave none: nobody can send it. */
const UNNAMED = Symbol('no claim');

/** Who may take a turn up, and who was the last to do so (`wire.md` section 8). */
export class TurnKey {
  /** The connection that opened the turn. Its id is its own for ever (law 15). */
  readonly openerId: string;
  readonly tokenHash: string;
  readonly #owner: Principal | undefined;
  /** Of the last controller by subscribe. Undefined while only its opener has held the turn. */
  #claim: string | typeof UNNAMED | undefined;

  /** @param owner - of a turn from before a restart: whoever proves to be that person need not have the token */
  constructor(openerId: string, tokenHash: string, owner?: Principal) {
    this.openerId = openerId;
    this.tokenHash = tokenHash;
    this.#owner = owner && !isReservedSubject(owner.sub) ? owner : undefined;
  }

  /** Whether this client may subscribe: who opened the turn, the host role, and whoever has the token. */
  admits(client: Client, token: string | undefined): boolean {
    const hasToken = token !== undefined && tokenMatches(token, this.tokenHash);
    if (hasToken || client.id === this.openerId || client.role === 'host') return true;
    // Its connection is gone with the broker that it was one of.
    return this.#owner !== undefined && client.role !== 'agent' && isSamePrincipal(client.principal, this.#owner);
  }

  /**
   * Whether somebody else has taken it over. By what they call themselves and not by a count: who asks again because an
   * answer was lost is not locked out by its own first try.
   */
  isTakenFrom(claim: string | undefined): boolean {
    return this.#claim !== undefined && this.#claim !== claim;
  }

  takenBy(claim: string | undefined): void {
    this.#claim = claim ?? UNNAMED;
  }

  /** Who has it, as the journal keeps it: null, whoever gave no claim; undefined, its opener. */
  get claim(): Json | undefined {
    return this.#claim === UNNAMED ? null : this.#claim;
  }

  /** See {@link claim}. */
  restore(claim: Json | undefined): void {
    this.#claim = typeof claim === 'string' ? claim : claim === null ? UNNAMED : undefined;
  }

  /** Only its opener holds it again. */
  takenBack(): void {
    this.#claim = undefined;
  }
}
