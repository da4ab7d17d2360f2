import { isObject } from '../protocol/json.ts';
import type { HostExecuteParams, ToolCancelReason, ToolDefinition } from '../protocol/tools.ts';
import { WireError } from '../protocol/wire-error.ts';
import type { ChatRunInput } from './chat-run-input.ts';
import type { Chats } from './chats.ts';
import { checkPart } from './part-options.ts';
import type { Peer, Reply } from './peer.ts';
import type { RequestFunction } from './request.ts';
import { misfits, type Shape } from './shape.ts';
import type { HostTool, ToolCall, ToolHandler, ToolOptions } from './tool.ts';
import { type ToolKey, ToolMemory, toolKey } from './tool-memory.ts';
import { type ToolAsker, ToolRun, type ToolWork, unknownOutcome } from './tool-run.ts';
import { toolSchema } from './tool-schema.ts';

/** What is read of a call. */
const CALL: Shape<HostExecuteParams> = {
  request_id: 'string',
  tool: 'string',
  action_id: 'string',
  timeout_ms: 'number',
  attempt: 'number',
  session_id: 'string?',
};

/** A tool, and what agents are told of it. */
interface Registered extends ToolWork {
  definition: ToolDefinition;
}

/** Hears what a tool's handler threw, a cancelled call's protest and errors made for the agent apart. */
export type OnToolError = (error: unknown, call: ToolCall) => void;

/** The tools of one host, and their calls that are under way. */
export class HostTools {
  readonly #onError: OnToolError;
  readonly #chats: Pick<Chats, 'all'>;
  readonly #tools = new Map<string, Registered>();
  readonly #running = new Set<ToolRun>();
  /** Who waits for which, by the request's id. */
  readonly #asked = new Map<string, ToolRun>();
  readonly #memory: ToolMemory;

  /** @param chats the host's own: what it knows of a call depends on how it came to its chat. */
  constructor(onError: OnToolError = () => {}, chats: Pick<Chats, 'all'> = { all: [] }) {
    this.#onError = onError;
    this.#chats = chats;
    this.#memory = new ToolMemory((sessionId) => {
      const chat = this.#chatIn(sessionId);
      return chat !== undefined && chat.handle === undefined;
    });
  }

  /**
   * Registers a tool with the broker. One of the same name is replaced.
   * @throws {TypeError} where `parameters` is no schema, or an argument is missing. @throws {RpcError} `-32020`
   * @throws {Error} where the schema has no JSON Schema that says the same.
   */
  async register(
    request: RequestFunction,
    name: string,
    options: ToolOptions,
    handler: ToolHandler<never>,
  ): Promise<HostTool> {
    if (typeof options === 'function' || options === undefined)
      throw new TypeError('tool: its options, the second argument, are missing; {} for none');
    if (typeof handler !== 'function') throw new TypeError('tool: its handler, the third argument, is no function');
    checkPart('tool', options);
    const { description } = options;
    const { told: parameters, checks: schema } = toolSchema(name, options.parameters, options.validate);
    const definition: ToolDefinition = {
      name,
      ...(description === undefined ? {} : { description }),
      ...(parameters === undefined ? {} : { parameters }),
    };
    const work: Registered = { schema, handler, definition };
    const before = this.#tools.get(name);
    // Before the broker knows of it: the first call may be in the same packet as its answer.
    this.#tools.set(name, work);
    try {
      await request('session.init', { tools: [definition], params_once: true });
    } catch (error) {
      if (this.#tools.get(name) === work) {
        if (before) this.#tools.set(name, before);
        else this.#tools.delete(name);
      }
      throw error;
    }
    return {
      name,
      unregister: async () => {
        if (this.#tools.get(name) !== work) return;
        this.#tools.delete(name);
        await request('tools.unregister', { name });
      },
    };
  }

  /** Registers all of them anew, with a broker that knows of none. */
  async restore(peer: Peer): Promise<void> {
    const definitions = [...this.#tools.values()].map(({ definition }) => definition);
    if (definitions.length > 0) await peer.request('session.init', { tools: definitions, params_once: true });
  }

  /** `tools.execute`, to this host. */
  execute(input: unknown, reply: Reply, peer: Peer): void {
    const issues = misfits(input, CALL);
    if (issues.length > 0) {
      reply.error(WireError.invalidParams(issues).toObject());
      return;
    }
    const params = input as HostExecuteParams;
    const work = this.#tools.get(params.tool);
    if (!work) {
      // Unregistered while the call was under way: to the agent the same as if it had asked a moment later.
      reply.error(WireError.toolUnavailable(params.tool).toObject());
      return;
    }
    const asker: ToolAsker = { peer, requestId: params.request_id, reply };
    const key = toolKey(params);
    // The first attempt is a call of its own, whatever it is called.
    if (key && params.attempt > 1) {
      const known = this.#memory.find(key);
      if (known) {
        this.#asked.set(asker.requestId, known);
        known.join(asker);
        return;
      }
      if (!this.#memory.isWhole(key)) {
        reply.error(unknownOutcome().toObject());
        return;
      }
    }
    this.#run(new ToolRun(asker, params), work, key);
  }

  /** `tools.cancel`. One for a call that was answered meanwhile is nothing unusual. */
  cancel(input: unknown): void {
    if (!isObject(input)) return;
    const { request_id, reason } = input;
    const requestId = request_id as string;
    if (typeof reason === 'string') this.#asked.get(requestId)?.leave(requestId, reason as ToolCancelReason);
  }

  /** The connection is over, and with it every call but those of chats that go on: their agents may ask again. */
  lost(): void {
    this.#asked.clear();
    for (const run of this.#running) {
      run.lost();
      if (run.actionId === '' || !this.#chatIn(run.sessionId)) run.cancel('connection_lost');
    }
    // Without a chat that goes on nobody can ask again.
    if (this.#chats.all.length === 0) this.#memory.clear();
  }

  /** A chat is over: nobody asks for its calls again. */
  ended(): void {
    for (const run of this.#running) if (run.isAlone && !this.#chatIn(run.sessionId)) run.cancel('connection_lost');
    this.#memory.keepOnly(new Set(this.#chats.all.map(({ input }) => input.sessionId)));
  }

  /** The chat that it has in a session, as its host. */
  #chatIn(sessionId: string | undefined): Pick<ChatRunInput, 'handle'> | undefined {
    return this.#chats.all.find(({ input }) => input.sessionId === sessionId && !input.observes)?.input;
  }

  #run(run: ToolRun, work: ToolWork, key: ToolKey | undefined): void {
    this.#running.add(run);
    this.#asked.set(run.requestId, run);
    if (key) this.#memory.began(key, run);
    void run
      .run(work, (error) => this.#onError(error, run))
      .then((size) => {
        if (key) this.#memory.ended(key, run, size);
        this.#running.delete(run);
        for (const [id, asked] of this.#asked) if (asked === run) this.#asked.delete(id);
      });
  }
}
