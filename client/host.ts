import type { AgentRow } from '../protocol/agents.ts';
import type { ApprovalRow } from '../protocol/approvals.ts';
import type { SessionRow } from '../protocol/chat.ts';
import type { HostAgent, HostEvent } from '../protocol/host.ts';
import type { InputOf, ResultOf } from '../protocol/methods.ts';
import type { ToolDefinition } from '../protocol/tools.ts';
import type { ReconnectOptions } from './backoff.ts';
import type { Chat, ChatOptions, ResumeOptions } from './chat.ts';
import type { ChatHandle } from './chat-handle.ts';
import type { JwtSource } from './connection.ts';
import type { SwitchboardError } from './errors.ts';
import type { OnFrame } from './frame-tap.ts';
import type { Goals } from './goals.ts';
import type { HostSubscription, SubscribeOptions } from './host-events.ts';
import type { OnToolError } from './host-tools.ts';
import type { ConnectionStatus } from './kept-connection.ts';
import type { McpOptions, McpServer, McpTransport } from './mcp.ts';
import type { Meetings } from './meetings.ts';
import type { MemoryAccess } from './memory.ts';
import type { RequestFunction } from './request.ts';
import type { JsonSchema, OutputOf, StandardSchema } from './standard-schema.ts';
import type { Surfaces } from './surfaces.ts';
import type { HostTool, ToolHandler, ToolOptions } from './tool.ts';
import type { SpeakOptions, Speech, TranscribeOptions, Transcription } from './voice.ts';
import type { Camel } from './wire-names.ts';

/** Where a host stands. */
export type HostStatus = ConnectionStatus;

/** How to connect a host, wherever its broker is. */
export interface HostOptions {
  /** The daemon token. May be left out where authentication is off. A function is asked anew at each connection. */
  token?: string | (() => string | undefined) | undefined;
  /**
   * A JWT in place of a token, of the issuer that the broker trusts. A function is asked anew at each connection, and by
   * itself a minute before the one that it gave ends: the connection then goes on by the next.
   */
  jwt?: JwtSource | undefined;
  /** The host token instead: gives the management role (`agents.upsert`, `agents.remove`, everybody's sessions). */
  hostToken?: string | (() => string) | undefined;
  /**
   * Comes back after a lost connection by itself, for as long as it takes; how, may be given in place of `true`.
   * Default false: it comes back while a resumable chat waits for it, and is over otherwise.
   */
  reconnect?: ReconnectOptions | boolean | undefined;
  /** Tries again also before the first connection, until a broker is there and has let it in. Default false. */
  waitForBroker?: boolean | undefined;
  /** Hears of each change. Default: nobody does. */
  onStatus?: ((status: HostStatus) => void) | undefined;
  /** How long connecting and authenticating may take together. Milliseconds, default 10,000. */
  connectTimeoutMs?: number | undefined;
  /** Hears what a tool's handler threw and the agent was told, errors made for the agent apart. Default: nobody does. */
  onToolError?: OnToolError | undefined;
  /** Hears every frame of the connection but the one with its token: an aid to look at the wire with. Default: nobody does. */
  onFrame?: OnFrame | undefined;
  /** Hears each notification that the SDK itself has no use for, such as `inspect.event`. Default: nobody does. */
  onNotification?: ((method: string, params: unknown) => void) | undefined;
}

/**
 * A connected host: what a window that people chat in needs of the broker.
 *
 * After a lost connection it comes back by itself with `reconnect`, or while a resumable chat waits for it; not after
 * the broker has refused its token or closed it for good (4401, 4403). Back again, its tools are registered before its
 * chats go on, and its subscriptions are renewed. Whatever else was asked when the connection was lost, or is asked
 * while there is none, rejects with `ConnectionLostError`. A connection on which nothing was heard for a minute, although
 * the broker was asked, counts as lost. What the wire ties to a connection (agents that it has registered, approvals that
 * it has raised) is gone.
 */
export interface Host {
  /** `host` where this connection has the management role. */
  readonly role: 'host' | undefined;
  /** Whose key, or whose word of an embedder's function, it came by; undefined for the daemon's own tokens. */
  readonly principal: { readonly sub: string; readonly tenant: string } | undefined;
  /** Where it stands now. */
  readonly status: HostStatus['status'];
  /** Resolves when it is over for good, with why: `ConnectionLostError`, or `ConnectionClosedError` after {@link Host.close}. */
  readonly closed: Promise<SwitchboardError>;
  /** Opens a turn with an agent. What goes wrong shows on the chat. @throws {TypeError} an option that there is not. */
  chat(agentId: string, prompt: string, options?: ChatOptions): Chat;
  /**
   * Goes on with a turn that was opened before, by another connection or another process. What goes wrong shows on the
   * chat, as a `ResumeError`; an approval that still waits is given again, because this reader has not seen it.
   * @param handle a chat's `handle`. @throws {TypeError} where it is none.
   */
  resume(handle: ChatHandle, options?: ResumeOptions): Chat;
  /** The registry (`wire.md` section 4). Changing it needs the management role. */
  readonly agents: {
    /** Every known and every attached agent. */
    list(): Promise<AgentRow[]>;
    /** Creates or changes an agent. Its token comes with creation and rotation, and never again. */
    upsert(agent: Camel<InputOf<'agents.upsert'>>): Promise<ResultOf<'agents.upsert'>>;
    /** Forgets an agent, and disconnects it. */
    remove(id: string): Promise<ResultOf<'agents.remove'>>;
  };
  /** The live turns: one's own, with the management role all of them. */
  sessions(): Promise<SessionRow[]>;
  /**
   * Offers a tool to every agent that this host talks to, from the next turn on (`wire.md` section 7). Resolves once
   * the broker knows of it. One of the same name is replaced.
   * @throws {TypeError} where `parameters` is no schema. @throws {RpcError} `-32020`
   * @throws {Error} where the schema has no JSON Schema that says the same.
   */
  tool<P extends StandardSchema | JsonSchema = JsonSchema, V extends StandardSchema = StandardSchema>(
    name: string,
    options: ToolOptions<P, V>,
    handler: ToolHandler<P extends StandardSchema ? OutputOf<P> : OutputOf<V>>,
  ): Promise<HostTool>;
  /**
   * Offers the tools of an MCP server, under their own names, until the server ends, is closed, or the host is. Resolves once the
   * broker knows of them; the server's later changes are followed. What a tool answers is its `structuredContent`, else
   * its text; an `isError` fails the call with its words. Progress and cancelling are passed on.
   * @param transport how to reach it: a transport of `@modelcontextprotocol/sdk` that was not started, say.
   * @throws {TypeError} no transport, or an option that there is not. @throws {McpError} no MCP server, or one without tools.
   */
  mcp(transport: McpTransport, options?: McpOptions): Promise<McpServer>;
  /** The tools that the broker knows of this host, sorted by name. */
  tools(): Promise<ToolDefinition[]>;
  /** Pending approvals, and the last 500 resolved ones. */
  approvals(): Promise<ApprovalRow[]>;
  /** Raises an approval and leaves; it is withdrawn when this connection ends. */
  requestApproval(approval: Camel<InputOf<'host.request_approval'>>): Promise<ApprovalRow>;
  /**
   * Answers an approval. Any label other than `approve` denies. The row that comes back is still pending where it was a
   * chat's, and its agent did not take the answer.
   * @throws {RpcError} `-32016` not pending (any more), `-32015` not this host's to answer.
   */
  resolveApproval(approvalId: string, resolution: string): Promise<ApprovalRow>;
  /**
   * Waits until an approval is pending no more, by subscribing to events.
   * @throws {RpcError} `-32014` where there is none of that id. @throws the signal's reason.
   */
  approvalOutcome(approvalId: string, options?: { signal?: AbortSignal | undefined }): Promise<ApprovalRow>;
  /** From now on what happens at the broker, after a snapshot of everything before. */
  subscribe(options?: SubscribeOptions): Promise<HostSubscription>;
  /** The newest events, oldest first. @param limit 1 to 500, default 100. */
  events(limit?: number): Promise<HostEvent[]>;
  /** Tells every subscriber something. */
  notify(event: Camel<InputOf<'host.notify'>>): Promise<HostEvent>;
  /** Agents that some connection has registered, and attached ones that registered nothing. */
  hostAgents(): Promise<HostAgent[]>;
  /** Lists an agent for as long as this connection lives, or changes one of its own. */
  registerAgent(agent: Camel<InputOf<'host.register_agent'>>): Promise<HostAgent>;
  /** Takes an agent that this connection has registered off the list. */
  unregisterAgent(agentId: string): Promise<void>;
  /** Says what an agent that this connection has registered is doing. */
  setStatus(status: Camel<InputOf<'host.set_status'>>): Promise<HostAgent>;
  /** Has audio transcribed (`wire.md` section 11). Never throws; what goes wrong shows on the stream. */
  transcribe(options: TranscribeOptions): Transcription;
  /** Has a text spoken. Never throws; what goes wrong shows on the stream. */
  speak(text: string, options?: SpeakOptions): Speech;
  /** Surfaces of A2UI (`wire.md` section 11). */
  readonly surfaces: Surfaces;
  /** Meetings: transcriptions that are kept. */
  readonly meetings: Meetings;
  /** Goals that stand for one's sessions: a chat that names none goes by that of its session (`wire.md` section 6). */
  readonly goals: Goals;
  /** Facts of this connection's own, gone with it. */
  readonly memory: MemoryAccess;
  readonly request: RequestFunction;
  /** Tries to connect at once, where it waits for the next try: for who knows that the network is back. */
  retry(): void;
  /**
   * Ends the connection for good. Loops over chats, subscriptions and streams end; what waits for an answer or for the whole of
   * a text rejects with `ConnectionClosedError`. Resolves when the socket is closed.
   */
  close(): Promise<void>;
  /** {@link Host.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}
