import { isObject } from '../protocol/json.ts';
import { McpError, type McpTransport } from './mcp.ts';

/** Versions of MCP whose tools are the same to a client, the newest first. */
const VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];
/** How long a server may take to list its tools, or to answer for the first time. Milliseconds. */
const PATIENCE_MS = 60_000;

/** How to ask. */
export interface McpAsk {
  /** Gives up: the server is told, and the request rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Hears of progress, and asks for it. */
  onProgress?: ((progress: Record<string, unknown>) => void) | undefined;
  timeoutMs?: number | undefined;
}

interface Pending {
  result(value: unknown): void;
  error(error: McpError): void;
  onProgress: McpAsk['onProgress'];
}

/** What a session is told by. */
export interface McpHears {
  /** The server's tools have changed. */
  toolsChanged(): void;
  /** It is over, once; whatever was asked has been answered by then. */
  ended(error: McpError): void;
}

/** A client's side of MCP over a transport: what tools need of it, and nothing else. */
export class McpSession {
  /** What the server calls itself. */
  name = 'the MCP server';
  version: string | undefined;
  readonly #transport: McpTransport;
  readonly #hears: McpHears;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #ended: McpError | undefined;
  #fault: unknown;

  private constructor(transport: McpTransport, hears: McpHears) {
    this.#transport = transport;
    this.#hears = hears;
  }

  /** @throws {McpError} the server does not start, does not answer in time, speaks no version that is known, or has no tools */
  static async open(transport: McpTransport, hears: McpHears, timeoutMs = PATIENCE_MS): Promise<McpSession> {
    const session = new McpSession(transport, hears);
    transport.onmessage = (message: unknown) => session.#receive(message);
    transport.onclose = () => session.end(session.#endedError());
    transport.onerror = (error) => {
      session.#fault = error;
    };
    try {
      await transport.start();
    } catch (cause) {
      throw new McpError(`the MCP server does not start: ${wordsOf(cause)}`, { cause });
    }
    try {
      await session.#introduce(timeoutMs);
    } catch (error) {
      session.end(error as McpError);
      throw error;
    }
    return session;
  }

  async #introduce(timeoutMs: number): Promise<void> {
    const params = {
      protocolVersion: VERSIONS[0],
      capabilities: {},
      clientInfo: { name: 'switchboard', version: '1' },
    };
    const answer = await this.request('initialize', params, { timeoutMs });
    const { protocolVersion, serverInfo, capabilities } = Object(answer);
    if (typeof serverInfo?.name === 'string' && serverInfo.name !== '') this.name = serverInfo.name.slice(0, 256);
    if (typeof serverInfo?.version === 'string') this.version = serverInfo.version.slice(0, 256);
    if (!VERSIONS.includes(protocolVersion))
      throw new McpError(
        `${this.name} speaks version ${JSON.stringify(protocolVersion)?.slice(0, 64)} of MCP; known are ${VERSIONS.join(', ')}`,
      );
    if (!isObject(capabilities?.tools)) throw new McpError(`${this.name} is an MCP server that offers no tools`);
    this.#transport.setProtocolVersion?.(protocolVersion);
    this.#notify('notifications/initialized');
  }

  /** @throws {McpError} the server answers with an error, is gone, or takes too long */
  request(method: string, params: Record<string, unknown>, ask: McpAsk = {}): Promise<unknown> {
    const { signal, onProgress, timeoutMs } = ask;
    if (this.#ended) return Promise.reject(this.#ended);
    const id = this.#nextId++;
    const meta = onProgress ? { _meta: { progressToken: id } } : {};
    return new Promise((resolve, reject) => {
      const settle = () => {
        this.#pending.delete(id);
        clearTimeout(timer);
        signal?.removeEventListener('abort', withdraw);
      };
      const giveUp = (reason: unknown, words: string) => {
        settle();
        // The one request that a server may not be asked to give up.
        if (method !== 'initialize') this.#notify('notifications/cancelled', { requestId: id, reason: words });
        reject(reason);
      };
      const withdraw = () => giveUp(signal?.reason, wordsOf(signal?.reason));
      const expire = () =>
        giveUp(new McpError(`${this.name} has not answered ${method}`, { retryable: true }), 'timeout');
      const timer = timeoutMs === undefined ? undefined : setTimeout(expire, timeoutMs);
      signal?.addEventListener('abort', withdraw);
      const pending = {
        onProgress,
        result: (value: unknown) => {
          settle();
          resolve(value);
        },
        error: (error: McpError) => {
          settle();
          reject(error);
        },
      };
      this.#pending.set(id, pending);
      if (signal?.aborted) {
        withdraw();
        return;
      }
      this.#send({ id, method, params: { ...params, ...meta } }).catch((cause: unknown) =>
        pending.error(new McpError(`${this.name} cannot be asked: ${wordsOf(cause)}`, { cause })),
      );
    });
  }

  /** Its end: nothing is heard any more, and the transport is closed. */
  end(error: McpError): void {
    if (this.#ended) return;
    this.#ended = error;
    for (const pending of [...this.#pending.values()]) pending.error(error);
    this.#hears.ended(error);
    this.closing = this.#transport.close().catch(() => {});
  }

  /** Resolves once the transport is closed. */
  closing: Promise<void> = Promise.resolve();

  #endedError(): McpError {
    const why = this.#fault === undefined ? '' : `: ${wordsOf(this.#fault)}`;
    return new McpError(`${this.name} has ended${why}`, { retryable: true, cause: this.#fault });
  }

  #notify(method: string, params?: object): void {
    // Whoever cannot be told has ended, or will.
    this.#send({ method, ...(params && { params }) }).catch(() => {});
  }

  async #send(message: object): Promise<void> {
    await this.#transport.send({ jsonrpc: '2.0', ...message } as never);
  }

  #receive(message: unknown): void {
    if (this.#ended || !isObject(message)) return;
    // Whatever went wrong before did not end it.
    this.#fault = undefined;
    const { id, method, params } = message;
    if (typeof method !== 'string') this.#settle(message);
    else if (id !== undefined) this.#answer(id, method);
    else if (method === 'notifications/tools/list_changed') this.#hears.toolsChanged();
    else if (method === 'notifications/progress' && isObject(params))
      this.#pending.get(Number(params.progressToken))?.onProgress?.(params);
  }

  #settle({ id, result, error }: Record<string, unknown>): void {
    const pending = this.#pending.get(Number(id));
    if (!pending) return;
    if (error === undefined) {
      pending.result(result);
      return;
    }
    const { code, message } = Object(error);
    const words = typeof message === 'string' ? message : `${this.name} answered with an error`;
    pending.error(new McpError(words, { code: typeof code === 'number' ? code : undefined }));
  }

  /** Of what a server may ask of a client it was promised nothing; that it may ask for a sign of life is MCP's own. */
  #answer(id: unknown, method: string): void {
    const answer = method === 'ping' ? { result: {} } : { error: { code: -32601, message: `no method ${method}` } };
    this.#send({ id, ...answer }).catch(() => {});
  }
}

/** What went wrong, in words. */
function wordsOf(error: unknown): string {
  if (error instanceof Error) return error.message || error.name;
  return String(error);
}
