import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { CallToolResult, ServerNotification } from '@modelcontextprotocol/sdk/types.js';
import type { Turn } from '../../client/node.ts';
import { VERSION } from '../../version.ts';
import { failureOf, resultOf } from './results.ts';

/** What agents call the server of the host's tools. */
export const SERVER_NAME = 'switchboard';

/** MCP sessions of one agent session: one is usual, another comes where the agent connects anew. The oldest goes. */
const MAX_CONNECTIONS = 4;
/** How long an agent may take to ask for tools that have changed. Milliseconds. */
const LIST_WAIT_MS = 1_000;

type Tools = Turn['tools'];
type Mcp = Awaited<ReturnType<typeof loadMcp>>;

/** Loaded with the first session that has tools: most of a broker's agents never need it. */
export const loadMcp = () => import('../../sdks/mcp.ts');

interface McpConnection {
  server: Server;
  transport: StreamableHTTPServerTransport;
}

/** The host's tools, as an MCP server for one session of an agent. */
export class DoorSession {
  readonly path: string;
  readonly bearer: string;
  readonly #mcp: Mcp;
  readonly #onClose: () => void;
  readonly #connections = new Map<string, McpConnection>();
  /** Those of the running turn; between turns those of the last. */
  #tools: Tools['list'] = [];
  #turn: Tools | undefined;
  /** Withdraws the calls of the running turn. */
  #calls = new AbortController();
  #listed: () => void = () => {};

  /** @param path its last part is a secret, as is the bearer. */
  constructor(mcp: Mcp, secrets: { path: string; bearer: string }, onClose: () => void) {
    this.#mcp = mcp;
    this.path = secrets.path;
    this.bearer = secrets.bearer;
    this.#onClose = onClose;
  }

  /** What a process that is about to begin or to go on will find: some agents ask once, before any turn. */
  offer({ list }: Tools): void {
    this.#tools = list;
  }

  /** A turn begins: its tools are on offer. Where they are others than before, the agent is told, and may ask for them. */
  async begin(tools: Tools): Promise<void> {
    const isAnother = JSON.stringify(tools.list) !== JSON.stringify(this.#tools);
    this.#tools = tools.list;
    this.#turn = tools;
    this.#calls = new AbortController();
    if (!isAnother || this.#connections.size === 0) return;
    const listed = new Promise<void>((resolve) => {
      this.#listed = resolve;
      setTimeout(resolve, LIST_WAIT_MS);
    });
    for (const { server } of this.#connections.values()) void server.sendToolListChanged().catch(() => {});
    await listed;
  }

  /** The turn is over, or cancelled: calls that are open end, whatever the agent thinks of that. */
  end(): void {
    this.#turn = undefined;
    this.#calls.abort(new Error('the turn has ended'));
  }

  /** The agent's process is gone, and with it its connections. */
  reset(): void {
    this.end();
    for (const connection of this.#connections.values()) void connection.server.close().catch(() => {});
    this.#connections.clear();
  }

  close(): void {
    this.reset();
    this.#onClose();
  }

  /** A request that has shown the bearer. @param body parsed, for a POST. */
  async handle(request: IncomingMessage, response: ServerResponse, body: unknown): Promise<void> {
    const id = request.headers['mcp-session-id'];
    const known = typeof id === 'string' ? this.#connections.get(id) : undefined;
    // One that begins anew has no id; with another's the transport itself says what is wrong.
    const connection = known ?? (await this.#connect());
    await connection.transport.handleRequest(request, response, body);
    if (connection !== known && connection.transport.sessionId === undefined) await connection.server.close();
  }

  async #connect(): Promise<McpConnection> {
    const { Server, StreamableHTTPServerTransport } = this.#mcp;
    const server = new Server(
      { name: SERVER_NAME, version: VERSION },
      { capabilities: { tools: { listChanged: true } } },
    );
    this.#answer(server);
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => {
        this.#connections.set(id, connection);
        if (this.#connections.size <= MAX_CONNECTIONS) return;
        const [oldest] = this.#connections;
        if (oldest) this.#drop(oldest[0]);
      },
      onsessionclosed: (id) => this.#drop(id),
    });
    const connection = { server, transport };
    // Its types say less of `undefined` than ours ask for.
    await server.connect(transport as unknown as Parameters<Server['connect']>[0]);
    return connection;
  }

  #drop(id: string): void {
    const connection = this.#connections.get(id);
    this.#connections.delete(id);
    void connection?.server.close().catch(() => {});
  }

  #answer(server: Server): void {
    const { ListToolsRequestSchema, CallToolRequestSchema } = this.#mcp;
    server.setRequestHandler(ListToolsRequestSchema, () => {
      // Once this has been answered.
      setImmediate(() => this.#listed());
      return { tools: this.#tools.map(toolOf) };
    });
    server.setRequestHandler(CallToolRequestSchema, ({ params }, { signal, sendNotification }) => {
      const token = params._meta?.progressToken;
      const notify = (notification: ServerNotification) => void sendNotification(notification).catch(() => {});
      return this.#call(params.name, params.arguments ?? {}, signal, token, notify);
    });
  }

  async #call(
    name: string,
    args: Record<string, unknown>,
    signal: AbortSignal,
    progressToken: string | number | undefined,
    notify: (notification: ServerNotification) => void,
  ): Promise<CallToolResult> {
    const turn = this.#turn;
    if (!turn) return failureOf(new Error('no turn is running, so nobody is there who could run this tool'));
    let steps = 0;
    try {
      const value = await turn.call(name, args, {
        signal: AbortSignal.any([signal, this.#calls.signal]),
        ...(progressToken !== undefined && {
          onProgress: ({ progress, message }) => {
            // It has to grow, whatever the host says.
            steps = Math.max(steps + 1, typeof progress === 'number' ? progress : 0);
            const params = { progressToken, progress: steps, ...(message != null && { message }) };
            notify({ method: 'notifications/progress', params });
          },
        }),
      });
      return resultOf(value);
    } catch (error) {
      return failureOf(error);
    }
  }
}

function toolOf({ name, description, parameters }: Tools['list'][number]) {
  // MCP asks for a schema of an object; whatever else a host wrote there is no schema that a model could fill in.
  const isObjects = parameters?.type === 'object';
  return {
    name,
    ...(description != null && { description }),
    inputSchema: isObjects ? (parameters as { type: 'object' }) : { type: 'object' as const },
  };
}
