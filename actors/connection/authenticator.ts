import type { Identity } from '../../machines/connection.machine.ts';
import { WireError } from '../../protocol/errors.ts';
import type { ParamsOf } from '../../protocol/methods.ts';
import { key } from '../kernel/key.ts';
import { type AgentRegistry, hashToken, tokenMatches } from './agent-registry.ts';

/** Who judges `session.auth`. */
export const AUTH = key<Authenticator>('the authenticator');

/** Judges `session.auth` (`wire.md` section 3). */
export class Authenticator {
  /** False: any token is taken, and ids bind without proof. */
  readonly enabled: boolean;
  readonly #agents: AgentRegistry;
  readonly #daemonHash: string;
  readonly #hostHash: string;

  constructor(options: { enabled: boolean; tokens: { daemon: string; host: string }; agents: AgentRegistry }) {
    this.enabled = options.enabled;
    this.#agents = options.agents;
    this.#daemonHash = hashToken(options.tokens.daemon);
    this.#hostHash = hashToken(options.tokens.host);
  }

  /**
   * Who these parameters prove the caller to be; undefined where a token is wrong.
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
    if (token === undefined)
      throw WireError.invalidParams([{ path: 'token', message: 'token or host_token is needed' }]);
    if (agentId !== undefined) return this.#agents.verify(agentId, token) ? { role: 'agent', agentId } : undefined;
    return tokenMatches(token, this.#daemonHash) ? { role: 'client' } : undefined;
  }
}
