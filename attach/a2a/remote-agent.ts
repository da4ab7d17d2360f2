import type { AgentCard } from '@a2a-js/sdk';
import type { Client } from '@a2a-js/sdk/client';
import type { AgentEvent, Turn } from '../../client/node.ts';
import type { AttachContext, Attached } from '../attached.ts';
import { secretIn } from '../secret.ts';
import { messageOf } from '../words.ts';
import { type Guarded, guarded, RemoteError } from './guard.ts';
import { RemoteTurn } from './remote-turn.ts';
import { loadSdk } from './sdk.ts';
import type { A2aSettings } from './settings.ts';

/** How long the card may take to arrive. Milliseconds. */
const CARD_MS = 30_000;
/** Sessions whose context at the remote agent is remembered. */
const MAX_SESSIONS = 1_000;

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** An agent somewhere else, that speaks A2A. */
export class RemoteAgent implements Attached {
  readonly #context: AttachContext;
  readonly #settings: A2aSettings;
  readonly #cardUrl: URL;
  /** The remote agent's own ids, by ours. */
  readonly #contexts = new Map<string, string>();
  #credentials: Record<string, string> = {};
  #card: AgentCard | undefined;

  constructor(settings: A2aSettings, context: AttachContext) {
    this.#settings = settings;
    this.#context = context;
    const url = new URL(settings.a2a);
    this.#cardUrl = url.pathname.endsWith('/') ? new URL('.well-known/agent-card.json', url) : url;
  }

  async start(): Promise<void> {
    const { hostname } = this.#cardUrl;
    if (!LOOPBACK.test(hostname) && !this.#settings['allow-untrusted-endpoint'])
      throw new Error(`${hostname} is not this machine; --allow-untrusted-endpoint allows it`);
    this.#credentials = this.#readCredentials();
    const { DefaultAgentCardResolver } = await loadSdk();
    const guard = this.#guard();
    const signal = AbortSignal.timeout(CARD_MS);
    const fetchImpl: typeof fetch = (input, init) => guard.fetch(input, { ...init, signal });
    const resolver = new DefaultAgentCardResolver({ fetchImpl, legacyCompat: { enabled: true } });
    try {
      this.#card = await resolver.resolve(this.#cardUrl.href, '');
      // Which of its endpoints is meant shows here: one that cannot be spoken with, or is elsewhere, is no agent of ours.
      const client = await this.#client(guard, this.#card);
      const { name, version } = this.#card;
      this.#context.report({
        what: messageOf(
          `${name} ${version} (A2A ${client.protocolVersion}, ${client.transport.protocolName})`.slice(0, 300),
        ),
      });
    } catch (error) {
      this.#card = undefined;
      if (signal.aborted) throw new Error(`its card did not arrive within ${CARD_MS} ms`);
      // What the SDK stumbles over says nothing to a person.
      const why = error instanceof TypeError ? 'it is no agent card' : messageOf(error).slice(0, 300);
      throw guard.failure ?? new Error(`its card cannot be used: ${why}`);
    }
  }

  async *onChat(turn: Turn): AsyncGenerator<AgentEvent> {
    const card = this.#card;
    if (!card) throw new Error('not started');
    const guard = this.#guard();
    const sdk = await loadSdk();
    const client = await this.#client(guard, card);
    const contextId = this.#contexts.get(turn.sessionId);
    const remote = new RemoteTurn(turn, {
      client,
      sdk,
      guard,
      contextId,
      isStreaming: card.capabilities?.streaming === true,
    });
    try {
      yield* remote.run();
    } catch (error) {
      turn.signal.throwIfAborted();
      const { reason, message } = guard.failure ?? asRemoteError(error);
      this.#context.log.warn({ turn_id: turn.turnId, reason: message }, 'a remote agent failed');
      if (reason === 'auth') yield { kind: 'auth_required', reason: 'agent', message };
      else {
        const isUnreachable = reason === 'unreachable';
        yield {
          kind: 'error',
          error: message,
          code: isUnreachable ? 'remote_unreachable' : 'remote_failed',
          retryable: isUnreachable,
        };
      }
    } finally {
      this.#remember(turn.sessionId, remote.contextId);
    }
  }

  async close(): Promise<void> {}

  #guard(): Guarded {
    return guarded(this.#cardUrl.origin, this.#credentials);
  }

  async #client({ fetch: fetchImpl }: Guarded, card: AgentCard): Promise<Client> {
    const { ClientFactory, JsonRpcTransportFactory, RestTransportFactory } = await loadSdk();
    const { origin } = this.#cardUrl;
    const options = { fetchImpl, legacyCompat: { enabled: true } };
    const here = card.supportedInterfaces.filter(
      ({ url }) => URL.canParse(url, origin) && new URL(url).origin === origin,
    );
    if (here.length === 0) {
      const others = [...new Set(card.supportedInterfaces.map(({ url }) => messageOf(url).slice(0, 100)))].slice(0, 3);
      throw new RemoteError(
        'refused',
        `no endpoint of it is of the card's own origin, ${origin}: ${others.join(', ') || 'none at all'}`,
      );
    }
    const factory = new ClientFactory({
      transports: [new JsonRpcTransportFactory(options), new RestTransportFactory(options)],
      // An agent that does not stream answers at once, and is asked how it stands.
      clientConfig: { polling: true },
    });
    return factory.createFromAgentCard({ ...card, supportedInterfaces: here });
  }

  #readCredentials(): Record<string, string> {
    const { 'bearer-env': bearer, 'header-env': header } = this.#settings;
    const secret = (name: string) => secretIn(this.#context.env, name, 'credential');
    const [name = '', variable = ''] = header?.split('=') ?? [];
    return {
      ...(bearer === undefined ? {} : { authorization: `Bearer ${secret(bearer)}` }),
      ...(header === undefined ? {} : { [name.toLowerCase()]: secret(variable) }),
    };
  }

  #remember(sessionId: string, contextId: string | undefined): void {
    if (contextId === undefined) return;
    this.#contexts.delete(sessionId);
    this.#contexts.set(sessionId, contextId);
    const [oldest] = this.#contexts.keys();
    if (this.#contexts.size > MAX_SESSIONS && oldest !== undefined) this.#contexts.delete(oldest);
  }
}

/** What the SDK says: the agent's own words where it answered with an error. */
function asRemoteError(error: unknown): RemoteError {
  if (error instanceof RemoteError) return error;
  return new RemoteError('refused', `the remote agent failed: ${messageOf(error).slice(0, 500)}`);
}
