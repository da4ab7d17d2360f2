import { z } from 'zod';
import { WireError } from '../protocol/errors.ts';
import { hostExecuteParams, hostToolCancelParams, type ToolDefinition } from '../protocol/tools.ts';
import { checkCall } from './known-options.ts';
import type { Peer, Reply } from './peer.ts';
import type { RequestFunction } from './request.ts';
import type { HostTool, ToolCall, ToolHandler, ToolOptions } from './tool.ts';
import { ToolRun, type ToolWork } from './tool-run.ts';

/** A tool, and what agents are told of it. */
interface Registered extends ToolWork {
  definition: ToolDefinition;
}

/** Hears what a tool's handler threw, a cancelled call's protest and errors made for the agent apart. */
export type OnToolError = (error: unknown, call: ToolCall) => void;

/** The tools of one host, and their calls that are under way. */
export class HostTools {
  readonly #onError: OnToolError;
  readonly #tools = new Map<string, Registered>();
  readonly #running = new Map<string, ToolRun>();

  constructor(onError: OnToolError = () => {}) {
    this.#onError = onError;
  }

  /**
   * Registers a tool with the broker. One of the same name is replaced.
   * @throws {Error} where the schema has no JSON Schema that says the same. @throws {RpcError} `-32020`
   */
  async register<S extends z.ZodType>(
    request: RequestFunction,
    name: string,
    options: ToolOptions<S>,
    handler: ToolHandler<z.output<S>>,
  ): Promise<HostTool> {
    checkCall('tool', options);
    const { description, parameters: schema } = options;
    const parameters = schema && toJsonSchema(schema);
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
    const { success, data: params } = hostExecuteParams.safeParse(input);
    if (!success) {
      reply.error(WireError.invalidParams([{ path: '', message: 'no tool call' }]).toObject());
      return;
    }
    const work = this.#tools.get(params.tool);
    if (!work) {
      // Unregistered while the call was under way: to the agent the same as if it had asked a moment later.
      reply.error(WireError.toolUnavailable().toObject());
      return;
    }
    const run = new ToolRun(peer, params);
    this.#running.set(run.requestId, run);
    void run
      .run(work, reply, (error) => this.#onError(error, run))
      .finally(() => {
        if (this.#running.get(run.requestId) === run) this.#running.delete(run.requestId);
      });
  }

  /** `tools.cancel`. One for a call that was answered meanwhile is nothing unusual. */
  cancel(input: unknown): void {
    const { success, data } = hostToolCancelParams.safeParse(input);
    if (success) this.#running.get(data.request_id)?.cancel(data.reason);
  }

  /** The connection is over, and with it every call. */
  lost(): void {
    for (const run of this.#running.values()) run.cancel('connection_lost');
  }
}

/** What an agent may write, not what the handler gets: a default makes a field optional, a transform does not show. */
function toJsonSchema(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return rest;
}
