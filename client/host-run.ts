import { approvalOutcome } from './approval-outcome.ts';
import { Chats } from './chats.ts';
import { type Connection, openConnection } from './connection.ts';
import { asyncDispose } from './disposable.ts';
import { AuthError, ConnectionClosedError, ConnectionError, type SwitchboardError } from './errors.ts';
import { tapped } from './frame-tap.ts';
import type { Host, HostOptions } from './host.ts';
import { HostEvents } from './host-events.ts';
import { HostSurfaces } from './host-surfaces.ts';
import { HostTools } from './host-tools.ts';
import { HostVoice } from './host-voice.ts';
import { KeptConnection } from './kept-connection.ts';
import { meetingsOver } from './meetings.ts';
import { memoryOver } from './memory.ts';
import type { Peer } from './peer.ts';
import { nextPlace, type PlaceOptions } from './place.ts';
import { quietly } from './quietly.ts';
import { requestFunction } from './request.ts';
import type { SocketFactory } from './socket.ts';

/**
 * Connects a host over a given kind of socket; the entries for Node and browsers fill that in.
 * @throws {ConnectionError} not reachable. @throws {AuthError} wrong token.
 */
export async function openHost(open: SocketFactory, options: HostOptions & PlaceOptions): Promise<Host> {
  const run = new HostRun(open, options);
  await run.kept.start();
  return hostOn(run);
}

/** A {@link Host} from the inside: one connection after the other, and what outlives them. */
class HostRun {
  readonly kept: KeptConnection;
  readonly chats: Chats;
  readonly events = new HostEvents();
  readonly voice = new HostVoice();
  readonly surfaces = new HostSurfaces();
  readonly tools: HostTools;
  readonly #open: SocketFactory;
  readonly #options: HostOptions & PlaceOptions;
  /** How the last connection ended. */
  #lost: SwitchboardError | undefined;
  /** The token that was looked up and refused last. */
  #refused: string | undefined;

  constructor(open: SocketFactory, options: HostOptions & PlaceOptions) {
    const { reconnect = false, onStatus, onToolError } = options;
    this.#open = open;
    this.#options = options;
    this.tools = new HostTools(onToolError);
    this.chats = new Chats(() => this.#giveUpUnlessNeeded());
    this.kept = new KeptConnection({
      connect: (signal) => this.#connect(signal),
      restore: ({ peer }) => this.#restore(peer),
      persists: (before) => before && (reconnect !== false || this.chats.areWaiting),
      reconnect: typeof reconnect === 'object' ? reconnect : {},
      onStatus,
    });
    this.kept.closed.then((error) => {
      this.chats.close(error);
      this.events.ended(error);
    });
  }

  async #connect(signal: AbortSignal): Promise<Connection> {
    const { token, hostToken, connectTimeoutMs, onFrame } = this.#options;
    const place = tapped(nextPlace(this.#open, this.#options), onFrame);
    const found = resolved(hostToken ?? token) ?? '';
    try {
      return await openConnection({
        place,
        auth: hostToken === undefined ? { token: found } : { host_token: found },
        connectTimeoutMs,
        signal,
        chats: this.chats,
        request: (method, params, reply, peer) => {
          if (method !== 'tools.execute') return false;
          this.tools.execute(params, reply, peer);
          return true;
        },
        notification: (method, params, size) => {
          if (method === 'host.event') this.events.event(params, size);
          else if (method === 'tools.cancel') this.tools.cancel(params);
          else if (method === 'voice.event') this.voice.event(params, size);
          else if (method === 'a2ui.event') this.surfaces.event(params, size);
          else quietly(() => this.#options.onNotification?.(method, params));
        },
        binary: (data) => this.voice.binary(data),
        ended: (error) => {
          // One that was given up here was none.
          if (!(error instanceof ConnectionClosedError)) this.#lost = error;
          this.tools.lost();
          // A stream is its connection's (section 11): neither goes on with another one.
          this.voice.ended(error);
          this.surfaces.ended(error);
        },
      });
    } catch (error) {
      const isLookedUp = typeof (hostToken ?? token) === 'function';
      // A daemon that was restarted has new tokens, and the next look finds them: unless it is where they do not change.
      const mayChange = isLookedUp && this.#lost !== undefined && found !== this.#refused;
      if (!(error instanceof AuthError) || !mayChange) throw error;
      this.#refused = found;
      throw new ConnectionError(error.message, { url: place.url, retryable: true, cause: error });
    }
  }

  /** The tools first: an agent that goes on with its turn may need them at once. */
  async #restore(peer: Peer): Promise<void> {
    await this.tools.restore(peer);
    this.chats.resumeAll(peer);
    void this.events.renew(peer);
  }

  /** Nobody needs another connection once no chat waits for it. */
  #giveUpUnlessNeeded(): void {
    const isBetween = this.kept.status === 'waiting' || this.kept.status === 'connecting';
    if (!isBetween || !this.#lost || this.#options.reconnect || this.chats.areWaiting) return;
    void this.kept.stop(this.#lost);
  }
}

function resolved<T>(given: T | (() => T)): T {
  return given instanceof Function ? given() : given;
}

function hostOn({ kept, chats, events, tools, voice, surfaces }: HostRun): Host {
  const peer = () => kept.current.peer;
  const request = requestFunction(peer);
  const subscribe: Host['subscribe'] = (options) => events.subscribe(peer(), options);
  return {
    get role() {
      return kept.current.identity.role;
    },
    get status() {
      return kept.status;
    },
    closed: kept.closed,
    chat: (agentId, prompt, options) => chats.open(peer(), agentId, prompt, options),
    resume: (handle, options) => chats.resume(peer(), handle, options),
    agents: {
      list: () => request('agents.list', {}),
      upsert: (agent) => request('agents.upsert', agent),
      remove: (id) => request('agents.remove', { id }),
    },
    sessions: async () => (await request('agents.chat.sessions', {})).sessions,
    tool: (name, options, handler) => tools.register(request, name, options, handler),
    tools: async () => (await request('tools.list', {})).tools,
    approvals: async () => (await request('host.approvals', {})).approvals,
    requestApproval: (approval) => request('host.request_approval', approval),
    resolveApproval: (id, resolution) => request('host.resolve_approval', { approval_id: id, resolution }),
    approvalOutcome: (id, { signal } = {}) => approvalOutcome(subscribe, id, signal),
    subscribe,
    events: async (limit) => (await request('host.events', { limit })).events,
    notify: (event) => request('host.notify', event),
    transcribe: (options) => voice.transcribe(peer(), options),
    speak: (text, options) => voice.speak(peer(), text, options),
    meetings: meetingsOver(request, ({ title, ...options }) => voice.transcribe(peer(), options, { title })),
    memory: memoryOver(request),
    hostAgents: () => request('host.agents', {}),
    registerAgent: (agent) => request('host.register_agent', agent),
    unregisterAgent: async (id) => {
      await request('host.unregister_agent', { agent_id: id });
    },
    setStatus: (status) => request('host.set_status', status),
    surfaces: surfaces.on(peer, request),
    request,
    retry: () => kept.retry(),
    close: () => kept.stop(),
    [asyncDispose]: () => kept.stop(),
  };
}
