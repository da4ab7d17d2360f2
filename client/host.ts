import type { AgentRow } from '../protocol/agents.ts';
import type { SessionRow } from '../protocol/chat.ts';
import type { InputOf, ResultOf } from '../protocol/methods.ts';
import type { Chat, ChatOptions } from './chat.ts';
import { type Connection, openConnection } from './connection.ts';
import type { SwitchboardError } from './errors.ts';
import { type RequestFunction, requestFunction } from './request.ts';
import type { SocketFactory } from './socket.ts';

/** How to connect a host. */
export interface HostOptions {
  /** `ws:` or `wss:`; in Node also `ws+unix:/path/to.sock:/`. */
  url: string;
  /** The daemon token. May be left out where authentication is off. */
  token?: string | undefined;
  /** The host token instead: gives the management role (`agents.upsert`, `agents.remove`, everybody's sessions). */
  hostToken?: string | undefined;
  /** How long connecting and authenticating may take together. Milliseconds, default 10,000. */
  connectTimeoutMs?: number | undefined;
}

/** A connected host: what a window that people chat in needs of the broker. It does not reconnect by itself. */
export interface Host {
  /** `host` where this connection has the management role. */
  readonly role: 'host' | undefined;
  /** Resolves when the connection is over, with why: `ConnectionLostError`, or `ConnectionClosedError` after {@link Host.close}. */
  readonly closed: Promise<SwitchboardError>;
  /** Opens a turn with an agent. Never throws; what goes wrong shows on the chat. */
  chat(agentId: string, prompt: string, options?: ChatOptions): Chat;
  /** The registry (`wire.md` section 4). Changing it needs the management role. */
  readonly agents: {
    /** Every known and every attached agent. */
    list(): Promise<AgentRow[]>;
    /** Creates or changes an agent. Its token comes with creation and rotation, and never again. */
    upsert(agent: InputOf<'agents.upsert'>): Promise<ResultOf<'agents.upsert'>>;
    /** Forgets an agent, and disconnects it. */
    remove(id: string): Promise<ResultOf<'agents.remove'>>;
  };
  /** The live turns: one's own, with the management role all of them. */
  sessions(): Promise<SessionRow[]>;
  readonly request: RequestFunction;
  /** Ends the connection; chats that still run fail with `ConnectionClosedError`. Resolves when the socket is closed. */
  close(): Promise<void>;
}

/**
 * Connects a host over a given kind of socket; the entries for Node and browsers fill that in.
 * @throws {ConnectionError} not reachable. @throws {AuthError} wrong token.
 */
export async function openHost(open: SocketFactory, options: HostOptions): Promise<Host> {
  const { url, token = '', hostToken, connectTimeoutMs } = options;
  const auth = hostToken === undefined ? { token } : { host_token: hostToken };
  return hostOn(await openConnection({ open, url, auth, connectTimeoutMs }));
}

function hostOn({ peer, chats, identity, ended }: Connection): Host {
  const request = requestFunction(() => peer);
  return {
    role: identity.role,
    closed: ended,
    chat: (agentId, prompt, options) => chats.open(peer, agentId, prompt, options),
    agents: {
      list: () => request('agents.list', {}),
      upsert: (agent) => request('agents.upsert', agent),
      remove: (id) => request('agents.remove', { id }),
    },
    sessions: async () => (await request('agents.chat.sessions', {})).sessions,
    request,
    close: () => peer.close(),
  };
}
