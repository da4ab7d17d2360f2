import { isObject } from '../protocol/json.ts';
import { asyncDispose } from './disposable.ts';
import { RpcError } from './errors.ts';
import type { HostTools } from './host-tools.ts';
import { McpError, type McpOptions, type McpServer, type McpTransport } from './mcp.ts';
import { type McpHears, McpSession } from './mcp-session.ts';
import { checkPart } from './part-options.ts';
import { quietly } from './quietly.ts';
import type { RequestFunction } from './request.ts';
import type { HostTool, ToolCall } from './tool.ts';

/** So many tools of one server are read, and so many pages of them: far more than a connection may offer. */
const MAX_TOOLS = 1_000;
const MAX_PAGES = 100;
/** How long a server may take to list its tools. Milliseconds. */
const LIST_MS = 60_000;
/** How much is told of the name of a tool that is not offered. Characters. */
const MAX_NAME = 256;

/** What is read of a tool of a server's. */
interface Offer {
  name: string;
  description?: string;
  parameters: Record<string, unknown>;
}

/** The MCP servers of one host. */
export class HostMcp {
  readonly #servers = new Set<Server>();

  /** `host.mcp`. */
  async add(
    request: RequestFunction,
    tools: HostTools,
    transport: McpTransport,
    options: McpOptions = {},
  ): Promise<McpServer> {
    checkPart('mcp', options);
    if (typeof transport?.start !== 'function' || typeof transport.send !== 'function')
      throw new TypeError('mcp: its first argument is a transport, such as StdioClientTransport, that was not started');
    const server = new Server(request, tools, options);
    await server.open(transport);
    this.#servers.add(server);
    void server.closed.then(() => this.#servers.delete(server));
    return server.face;
  }

  /** There is a connection again: what could not be offered or taken back without one is now. */
  restored(): void {
    for (const server of this.#servers) server.restored();
  }

  /** The host is over. */
  close(): void {
    for (const server of this.#servers) void server.close();
  }
}

/** One server, and what of it agents are offered. */
class Server implements McpHears {
  readonly closed: Promise<McpError | undefined>;
  readonly #request: RequestFunction;
  readonly #tools: HostTools;
  readonly #options: McpOptions;
  /** By name: what agents were told of it, and how it is taken back. */
  readonly #offered = new Map<string, { told: string; tool: HostTool }>();
  #session: McpSession | undefined;
  #isClosing = false;
  #isOver = false;
  /** One change after the other; and whether something has changed since the one that runs began. */
  #syncing: Promise<void> | undefined;
  #isDue = false;
  #markClosed: (error: McpError | undefined) => void = () => {};

  constructor(request: RequestFunction, tools: HostTools, options: McpOptions) {
    this.#request = request;
    this.#tools = tools;
    this.#options = options;
    this.closed = new Promise((resolve) => {
      this.#markClosed = resolve;
    });
  }

  async open(transport: McpTransport): Promise<void> {
    const session = await McpSession.open(transport, this, this.#options.startTimeoutMs);
    this.#session = session;
    try {
      await this.#sync(session);
    } catch (error) {
      await this.close();
      throw error;
    }
    if (this.#isOver) throw new McpError(`${session.name} has ended`, { retryable: true });
  }

  get face(): McpServer {
    const names = () => this.#names();
    const close = () => this.close();
    const { name = '', version } = this.#session ?? {};
    return {
      name,
      version,
      get tools() {
        return names();
      },
      closed: this.closed,
      close,
      [asyncDispose]: close,
    };
  }

  toolsChanged(): void {
    const session = this.#session;
    if (!session || this.#isOver) return;
    this.#isDue = true;
    this.#syncing ??= this.#syncWhileDue(session);
  }

  restored(): void {
    if (this.#isDue) this.toolsChanged();
  }

  ended(error: McpError): void {
    this.#isOver = true;
    void this.#takeBack([...this.#offered.keys()])
      // Without a connection nobody is offered anything.
      .catch(() => {})
      .then(() => this.#markClosed(this.#isClosing ? undefined : error));
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    const session = this.#session;
    session?.end(new McpError(`${session.name} was closed`));
    await this.closed;
    await session?.closing;
  }

  async #syncWhileDue(session: McpSession): Promise<void> {
    try {
      while (this.#isDue && !this.#isOver) {
        this.#isDue = false;
        await this.#sync(session);
        quietly(() => this.#options.onTools?.(this.#names()));
      }
    } catch (error) {
      // The server's own fault is told by its end; without a connection it is done once there is one.
      this.#isDue = !(error instanceof McpError);
    } finally {
      this.#syncing = undefined;
    }
  }

  /** Offers what the server has now, and takes back what it has no more. */
  async #sync(session: McpSession): Promise<void> {
    const offers = await this.#list(session);
    const names = new Set(offers.map(({ name }) => name));
    await this.#takeBack([...this.#offered.keys()].filter((name) => !names.has(name)));
    await Promise.all(offers.map((offer) => this.#offer(session, offer)));
  }

  async #offer(session: McpSession, { name, ...told }: Offer): Promise<void> {
    const text = JSON.stringify(told);
    if (this.#offered.get(name)?.told === text) return;
    try {
      const tool = await this.#tools.register(this.#request, name, told, (args: unknown, call: ToolCall) =>
        callTool(session, name, args, call),
      );
      if (this.#isOver) await tool.unregister();
      else this.#offered.set(name, { told: text, tool });
    } catch (error) {
      // Without a connection all of it is tried again; a tool that the broker does not take is one less.
      if (!(error instanceof RpcError || error instanceof TypeError)) throw error;
      this.#skip(name, error.message);
    }
  }

  async #takeBack(names: readonly string[]): Promise<void> {
    const tools = names.map((name) => this.#offered.get(name)?.tool);
    for (const name of names) this.#offered.delete(name);
    await Promise.all(tools.map((tool) => tool?.unregister()));
  }

  async #list(session: McpSession): Promise<Offer[]> {
    const offers = new Map<string, Offer>();
    let cursor: unknown;
    for (let page = 0; page < MAX_PAGES; page++) {
      const params = cursor === undefined ? {} : { cursor };
      const { tools, nextCursor } = Object(await session.request('tools/list', params, { timeoutMs: LIST_MS }));
      if (!Array.isArray(tools)) throw new McpError(`${session.name} lists no tools, but ${typeof tools}`);
      for (const tool of tools) {
        const offer = this.#read(tool);
        if (offer && offers.size < MAX_TOOLS) offers.set(offer.name, offer);
      }
      if (nextCursor === undefined || nextCursor === null || offers.size === MAX_TOOLS) break;
      cursor = nextCursor;
    }
    return [...offers.values()];
  }

  #read(tool: unknown): Offer | undefined {
    const { name, title, description = title, inputSchema, execution } = Object(tool);
    if (typeof name !== 'string') return undefined;
    if (execution?.taskSupport === 'required') {
      this.#skip(name, 'it runs as a task of MCP alone, which is not supported');
      return undefined;
    }
    return {
      name,
      ...(typeof description === 'string' ? { description } : {}),
      parameters: isObject(inputSchema) ? inputSchema : { type: 'object' },
    };
  }

  #skip(name: string, why: string): void {
    quietly(() => this.#options.onSkipped?.(name.slice(0, MAX_NAME), why));
  }

  #names(): string[] {
    return [...this.#offered.keys()].sort();
  }
}

/** An agent's call, as the server's own. @throws {McpError} the server's words, where it failed */
async function callTool(session: McpSession, name: string, args: unknown, call: ToolCall): Promise<unknown> {
  if (!isObject(args))
    throw new McpError(`${name} takes an object, not ${Array.isArray(args) ? 'an array' : typeof args}`);
  const result = await session.request(
    'tools/call',
    { name, arguments: args },
    {
      signal: call.signal,
      onProgress: ({ progress, total, message }) =>
        void call.progress(
          { progress, ...(total === undefined ? {} : { total }) },
          typeof message === 'string' ? message : undefined,
        ),
    },
  );
  const { content, structuredContent, isError } = Object(result);
  const parts: readonly unknown[] = Array.isArray(content) ? content : [];
  if (isError === true) throw new McpError(textOf(parts) || `${name} failed, and did not say why`);
  return answerOf(parts, structuredContent);
}

/**
 * What the agent is answered: what the server gave as data, else its text. What is neither, a picture say, is handed over as
 * MCP has it, and so is all that came where one thing alone would not be the whole of it.
 */
function answerOf(parts: readonly unknown[], structured: unknown): unknown {
  const isText = parts.every((part) => Object(part).type === 'text');
  if (isText) return structured === undefined ? textOf(parts) : structured;
  if (parts.length === 1 && structured === undefined) return parts[0];
  return { content: parts, ...(structured === undefined ? {} : { structuredContent: structured }) };
}

const textOf = (parts: readonly unknown[]): string =>
  parts
    .map((part) => Object(part).text)
    .filter((text) => typeof text === 'string')
    .join('\n');
