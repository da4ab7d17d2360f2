import type { InputOf, ResultOf } from '../protocol/methods.ts';
import { Chats } from './chats.ts';
import { type Connection, openConnection } from './connection.ts';
import { asyncDispose } from './disposable.ts';
import { toErrorObject } from './error-object.ts';
import { AuthError, ConnectionClosedError, ConnectionError, type SwitchboardError } from './errors.ts';
import type { Goals } from './goals.ts';
import type { Host, HostOptions } from './host.ts';
import type { HostEvents } from './host-events.ts';
import type { HostMcp } from './host-mcp.ts';
import type { HostSurfaces } from './host-surfaces.ts';
import type { HostTools } from './host-tools.ts';
import { KeptConnection } from './kept-connection.ts';
import { laterSpeech, laterTranscription } from './later-voice.ts';
import { faceOf, Lazy } from './lazy.ts';
import { meetingsOver } from './meetings.ts';
import type { MemoryAccess } from './memory.ts';
import type { Asked } from './part-options.ts';
import type { Peer } from './peer.ts';
import type { Place } from './place.ts';
import { quietly } from './quietly.ts';
import { requestFunction } from './request.ts';
import type { Surfaces } from './surfaces.ts';
import type { HostVoice } from './voice-parts.ts';
import type { Camel } from './wire-names.ts';

/**
 * Connects a host.
 * @param next where its next connection goes; the entries for Node and browsers fill that in.
 * @throws {ConnectionError} not reachable, unless `waitForBroker`. @throws {AuthError} wrong token.
 */
export async function openHost(next: () => Place, options: HostOptions): Promise<Host> {
  const run = new HostRun(next, options);
  await run.kept.start();
  return hostOn(run);
}

const parts = () => import('./host-parts.ts');

/** A {@link Host} from the inside: one connection after the other, and what outlives them. */
class HostRun {
  readonly kept: KeptConnection;
  readonly chats: Chats;
  readonly voice = new Lazy<HostVoice>(async () => new (await import('./voice-parts.ts')).HostVoice());
  readonly events = new Lazy<HostEvents>(async () => new (await parts()).HostEvents());
  readonly surfaces = new Lazy<HostSurfaces>(async () => new (await parts()).HostSurfaces());
  readonly mcp = new Lazy<HostMcp>(async () => new (await parts()).HostMcp());
  readonly tools: Lazy<HostTools>;
  readonly #next: () => Place;
  readonly #options: HostOptions;
  /** Of a broker that is looked for it is so until it is found: it is this machine that is searched. */
  #isNear = true;
  /** How the last connection ended. */
  #lost: SwitchboardError | undefined;
  /** The token that was looked up and refused last. */
  #refused: string | undefined;

  constructor(next: () => Place, options: HostOptions) {
    const { reconnect = false, waitForBroker = false, onStatus, onToolError } = options;
    this.#next = next;
    this.#options = options;
    this.tools = new Lazy(async () => new (await parts()).HostTools(onToolError, this.chats));
    this.chats = new Chats(() => {
      this.tools.value?.ended();
      this.#giveUpUnlessNeeded();
    });
    this.kept = new KeptConnection({
      connect: (signal) => this.#connect(signal),
      restore: ({ peer }) => this.#restore(peer),
      persists: (before) => (before ? reconnect !== false || this.chats.areWaiting : waitForBroker),
      isNear: () => this.#isNear,
      reconnect: typeof reconnect === 'object' ? reconnect : {},
      onStatus,
    });
    this.kept.closed.then((error) => {
      this.chats.close(error);
      this.events.value?.ended(error);
      this.mcp.value?.close();
    });
  }

  async #connect(signal: AbortSignal): Promise<Connection> {
    const { token, hostToken, jwt, connectTimeoutMs, onFrame } = this.#options;
    const place = this.#next();
    this.#isNear = place.isNear;
    const found = jwt === undefined ? (resolved(hostToken ?? token) ?? '') : '';
    try {
      const connection = await openConnection({
        place,
        auth: jwt !== undefined ? {} : hostToken === undefined ? { token: found } : { host_token: found },
        jwt,
        connectTimeoutMs,
        signal,
        onFrame,
        chats: this.chats,
        request: (method, params, reply, peer) => {
          if (method !== 'tools.execute') return false;
          const tools = this.tools.value;
          if (tools) tools.execute(params, reply, peer);
          // It offers none, and says so in the same words.
          else
            this.tools.get().then(
              (none) => none.execute(params, reply, peer),
              (error) => reply.error(toErrorObject(error)),
            );
          return true;
        },
        notification: (method, params, size) => {
          if (method === 'host.event') this.events.value?.event(params, size);
          else if (method === 'tools.cancel') this.tools.value?.cancel(params);
          else if (method === 'voice.event') this.voice.value?.event(params, size);
          else if (method === 'a2ui.event') this.surfaces.value?.event(params, size);
          else quietly(() => this.#options.onNotification?.(method, params));
        },
        binary: (data) => this.voice.value?.binary(data),
        ended: (error) => {
          // One that was given up here was none.
          if (!(error instanceof ConnectionClosedError)) this.#lost = error;
          this.tools.value?.lost();
          // A stream is its connection's (section 11): neither goes on with another one.
          this.voice.value?.ended(error);
          this.surfaces.value?.ended(error);
        },
      });
      this.#refused = undefined;
      return connection;
    } catch (error) {
      const isLookedUp = typeof (jwt ?? hostToken ?? token) === 'function';
      // A daemon that was restarted has new tokens, and the next look finds them: unless it is where they do not change.
      const mayChange = isLookedUp && this.#lost !== undefined && found !== this.#refused;
      if (!(error instanceof AuthError) || !mayChange) throw error;
      this.#refused = found;
      throw new ConnectionError(error.message, { url: place.url, retryable: true, cause: error });
    }
  }

  /** The tools first: an agent that goes on with its turn may need them at once. */
  async #restore(peer: Peer): Promise<void> {
    await this.tools.value?.restore(peer);
    this.mcp.value?.restored();
    this.chats.resumeAll(peer);
    void this.events.value?.renew(peer);
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

function hostOn({ kept, chats, events, tools, mcp, voice, surfaces }: HostRun): Host {
  const peer = () => kept.current.peer;
  const request = requestFunction(peer);
  const asked = async <K extends Asked>(method: K, options: Camel<InputOf<K>>): Promise<ResultOf<K>> =>
    (await parts()).asked(request, method, options);
  const subscribe: Surfaces['subscribe'] = async (options) => (await surfaces.get()).subscribe(peer(), options);
  return {
    get role() {
      return kept.current.identity.role;
    },
    get principal() {
      const { sub, tenant } = kept.current.identity;
      return sub === undefined || tenant === undefined ? undefined : { sub, tenant };
    },
    get status() {
      return kept.status;
    },
    closed: kept.closed,
    chat: (agentId, prompt, options) => chats.open(peer(), agentId, prompt, options),
    resume: (handle, options) => chats.resume(peer(), handle, options),
    agents: {
      list: () => request('agents.list', {}),
      upsert: (agent) => asked('agents.upsert', agent),
      remove: (id) => request('agents.remove', { id }),
    },
    sessions: async () => (await request('agents.chat.sessions', {})).sessions,
    tool: async (name, options, handler) => (await tools.get()).register(request, name, options, handler),
    mcp: async (transport, options) => (await mcp.get()).add(request, await tools.get(), transport, options),
    tools: async () => (await request('tools.list', {})).tools,
    approvals: async () => (await request('host.approvals', {})).approvals,
    requestApproval: (approval) => asked('host.request_approval', approval),
    resolveApproval: (id, resolution) => request('host.resolve_approval', { approval_id: id, resolution }),
    approvalOutcome: async (id, options = {}) => (await events.get()).outcome(peer(), id, options),
    subscribe: async (options) => (await events.get()).subscribe(peer(), options),
    events: async (limit) => (await request('host.events', { limit })).events,
    notify: (event) => asked('host.notify', event),
    transcribe: (options) => laterTranscription(voice, peer(), options),
    speak: (text, options) => laterSpeech(voice, peer(), text, options),
    meetings: meetingsOver(request, ({ title, ...options }) => laterTranscription(voice, peer(), options, { title })),
    memory: faceOf<MemoryAccess>()('add query delete count', async () => (await parts()).memoryOver(request)),
    goals: faceOf<Goals>()('set get list clear clearAll', async () => (await parts()).goalsOver(request)),
    hostAgents: () => request('host.agents', {}),
    registerAgent: (agent) => asked('host.register_agent', agent),
    unregisterAgent: async (id) => {
      await request('host.unregister_agent', { agent_id: id });
    },
    setStatus: (status) => asked('host.set_status', status),
    surfaces: faceOf<Surfaces>()('list get replay apply ingest act capabilities reap subscribe', async () =>
      (await parts()).surfacesOver(request, subscribe),
    ),
    request,
    retry: () => kept.retry(),
    close: () => kept.stop(),
    [asyncDispose]: () => kept.stop(),
  };
}
