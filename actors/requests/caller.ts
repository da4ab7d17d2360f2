import type { Identity } from '../../machines/connection.machine.ts';
import type { Principal } from '../../protocol/principal.ts';
import type { TraceContext } from '../../protocol/trace.ts';
import type { CallLife } from '../connection/call-life.ts';
import type { Client } from '../kernel/client.ts';

/** Who called an embedder's method. */
export interface Caller {
  /** The connection, as `broker.notify` and `broker.executeTool` want it. Unique in the broker's life. */
  readonly clientId: string;
  /** Undefined where authentication is off, and the connection has not said who it is. */
  readonly role: Identity['role'] | undefined;
  /** The agent that it is, if it is one. */
  readonly agentId: string | undefined;
  /** What an embedder's `auth` function calls it. */
  readonly name: string | undefined;
  /** Who it is (`docs/protocol.md#principals`): what is kept for a caller belongs to this. */
  readonly principal: Principal;
  /** The trace that the call says it belongs to (`docs/protocol.md#traces`). */
  readonly trace: TraceContext | undefined;
  /**
   * Aborts when nobody waits for the answer any more: the connection is gone, also because the broker stops, or the time
   * of this call is up, and its reason is then the `WireError` `-32004`. Hand it on to whatever the handler waits for.
   */
  readonly signal: AbortSignal;
}

/** The caller of one call. */
export class CallerOf implements Caller {
  readonly clientId: string;
  readonly role: Caller['role'];
  readonly agentId: string | undefined;
  readonly name: string | undefined;
  readonly principal: Principal;
  readonly trace: TraceContext | undefined;
  readonly #life: CallLife;

  constructor({ id, role, agentId, identity, principal }: Client, life: CallLife, trace: TraceContext | undefined) {
    this.clientId = id;
    this.role = role;
    this.agentId = agentId;
    this.name = identity?.name;
    this.principal = principal;
    this.trace = trace;
    this.#life = life;
  }

  /** Most handlers never look: one that does pays for its controller. */
  get signal(): AbortSignal {
    return this.#life.signal;
  }
}
