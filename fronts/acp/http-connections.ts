import { FrontError } from '../core/errors.ts';

/** Connections by Streamable HTTP, all together and of one principal. */
export const MAX_HTTP_CONNECTIONS = 1_000;
/** See {@link MAX_HTTP_CONNECTIONS}. */
export const MAX_HTTP_CONNECTIONS_EACH = 100;
/** A client that has no stream open, and asks for nothing, has gone after so long. Milliseconds. */
export const HTTP_AWAY_MS = 30_000;

interface HttpConnection {
  owner: string;
  agentId: string;
  /** Its requests that are not answered, streams too. */
  open: number;
  away: NodeJS.Timeout | undefined;
}

/** Which ACP connection by HTTP is whose, and whether its client is still there. */
export class HttpConnections {
  readonly #end: (id: string) => void;
  readonly #connections = new Map<string, HttpConnection>();
  /** Those that are being made. */
  readonly #made = new Set<Pick<HttpConnection, 'owner'>>();

  /** @param end ends the connection of that id. */
  constructor(end: (id: string) => void) {
    this.#end = end;
  }

  /**
   * Keeps room for one more of theirs while it is made: many may be at once. Returns how to give it back.
   * @throws {FrontError} 429 where there is none.
   */
  reserve(owner: string): () => void {
    let own = 0;
    for (const connection of this.#connections.values()) if (connection.owner === owner) own += 1;
    for (const made of this.#made) if (made.owner === owner) own += 1;
    if (own >= MAX_HTTP_CONNECTIONS_EACH || this.#connections.size + this.#made.size >= MAX_HTTP_CONNECTIONS)
      throw new FrontError(429, 'limit_exceeded', 'too many connections', { retryAfterMs: HTTP_AWAY_MS });
    const made = { owner };
    this.#made.add(made);
    return () => void this.#made.delete(made);
  }

  add(id: string, owner: string, agentId: string): void {
    this.#connections.set(id, { owner, agentId, open: 0, away: undefined });
    this.begin(id)();
  }

  /** Whether that connection is theirs. To everybody else there is none. */
  has(id: string, owner: string, agentId: string): boolean {
    const connection = this.#connections.get(id);
    return connection !== undefined && connection.owner === owner && connection.agentId === agentId;
  }

  /** A request of its client's begins; returns what to call when it is over. */
  begin(id: string): () => void {
    const connection = this.#connections.get(id);
    if (!connection) return () => {};
    connection.open += 1;
    clearTimeout(connection.away);
    return () => {
      connection.open -= 1;
      if (connection.open > 0 || this.#connections.get(id) !== connection) return;
      clearTimeout(connection.away);
      connection.away = setTimeout(() => this.#end(id), HTTP_AWAY_MS);
      connection.away.unref();
    };
  }

  /** It is over. */
  delete(id: string): void {
    clearTimeout(this.#connections.get(id)?.away);
    this.#connections.delete(id);
  }
}
