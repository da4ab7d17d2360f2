import { hashToken, tokenMatches } from '../../connection/agent-registry.ts';
import type { Client } from '../../kernel/client.ts';

/** The claim of a controller that gave none: nobody can send it. */
const UNNAMED = Symbol('no claim');

/** Who may take a turn up, and who was the last to do so (`wire.md` section 8). */
export class TurnKey {
  /** The connection that opened the turn. Its id is its own for ever (law 15). */
  readonly openerId: string;
  readonly #tokenHash: string;
  /** Of the last controller by subscribe. Undefined while only its opener has held the turn. */
  #claim: string | typeof UNNAMED | undefined;

  constructor(openerId: string, token: string) {
    this.openerId = openerId;
    this.#tokenHash = hashToken(token);
  }

  /** Whether this client may subscribe: who opened the turn, the host role, and whoever has the token. */
  admits(client: Client, token: string | undefined): boolean {
    const hasToken = token !== undefined && tokenMatches(token, this.#tokenHash);
    return hasToken || client.id === this.openerId || client.role === 'host';
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
}
