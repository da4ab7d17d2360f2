import type { Identity } from '../../machines/connection.machine.ts';
import { WireError } from '../../protocol/errors.ts';
import type { Link } from '../../protocol/link.ts';
import type { ParamsOf } from '../../protocol/methods.ts';
import type { UpgradeRequest } from '../../protocol/upgrade-request.ts';
import { key } from '../kernel/key.ts';
import { type AgentRegistry, hashToken, tokenMatches } from './agent-registry.ts';
import { type AuthFunction, toIdentity } from './auth-function.ts';

/** Who judges `session.auth`. */
export const AUTH = key<Authenticator>('the authenticator');

/** Judges `session.auth` (`wire.md` section 3). */
export class Authenticator {
  /** False: any token is taken, and ids bind without proof. */
  readonly enabled: boolean;
  /** Whether an embedder's function is asked where the broker's own tokens do not match. */
  readonly asks: boolean;
  /** The embedder's questions that have no answer yet, those included that nobody waits for any more. */
  asking = 0;
  readonly #agents: AgentRegistry;
  readonly #daemonHash: string;
  readonly #hostHash: string;
  readonly #ask: AuthFunction | undefined;
  /** The requests that connections came from, for as long as they may be asked about. Never part of an event: cookies. */
  readonly #requests = new WeakMap<Link, UpgradeRequest>();

  constructor(options: {
    enabled: boolean;
    /** Asked where the broker's own tokens do not match. */
    ask?: AuthFunction | undefined;
    tokens: { daemon: string; host: string };
    agents: AgentRegistry;
  }) {
    this.enabled = options.enabled;
    this.#ask = options.ask;
    this.asks = options.ask !== undefined;
    this.#agents = options.agents;
    this.#daemonHash = hashToken(options.tokens.daemon);
    this.#hostHash = hashToken(options.tokens.host);
  }

  /** Keeps what a link was upgraded from, where anybody may ask. */
  remember(link: Link, request: UpgradeRequest): void {
    if (this.asks) this.#requests.set(link, request);
  }

  /** Nobody asks about this link any more. */
  forget(link: Link): void {
    this.#requests.delete(link);
  }

  /**
   * Who these parameters prove the caller to be; undefined where no token of the broker's own does.
   * @throws {WireError} `-32602` where they name nobody in particular.
   */
  identify(params: ParamsOf<'session.auth'>): Identity | undefined {
    const { token, agent_id: agentId, host_token: hostToken } = params;
    if (agentId !== undefined && hostToken !== undefined) {
      throw WireError.invalidParams([{ path: 'agent_id', message: 'goes with token, not with host_token' }]);
    }
    if (!this.enabled) {
      if (hostToken !== undefined) return { role: 'host' };
      return agentId === undefined ? { role: 'client' } : { role: 'agent', agentId };
    }
    if (hostToken !== undefined) return tokenMatches(hostToken, this.#hostHash) ? { role: 'host' } : undefined;
    if (token === undefined) {
      // Who has none may be known to the function by a cookie.
      if (this.asks) return undefined;
      throw WireError.invalidParams([{ path: 'token', message: 'token or host_token is needed' }]);
    }
    if (agentId !== undefined) return this.#agents.verify(agentId, token) ? { role: 'agent', agentId } : undefined;
    return tokenMatches(token, this.#daemonHash) ? { role: 'client' } : undefined;
  }

  /** Who the embedder's function says that they are. Rejects with whatever it throws, and where it gives no answer. */
  async ask(params: ParamsOf<'session.auth'>, link: Link, signal: AbortSignal): Promise<Identity | undefined> {
    const { token, agent_id: agentId, host_token: hostToken } = params;
    this.asking += 1;
    try {
      // Not from inside the connection's own step.
      await undefined;
      const answer = await this.#ask?.({ token, agentId, hostToken, request: this.#requests.get(link), signal });
      return toIdentity(answer, params);
    } finally {
      this.asking -= 1;
    }
  }
}
