import type { ServerResponse } from 'node:http';
import type { AgentConnector } from '@agentclientprotocol/sdk';
import { exactJson } from '../../client/node.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { AcpServer } from '../../sdks/acp.ts';
import type { FrontCore } from '../core/core.ts';
import { ClientGone, FrontError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { HttpConnections } from './http-connections.ts';

const CONNECTION = 'acp-connection-id';
/** The headers of a request that the SDK's server goes by. */
const PASSED_ON = [CONNECTION, 'acp-session-id', 'accept', 'content-type'] as const;

/** Makes what speaks for an agent on one connection; `onClosed` is called when that is over. */
type MakeAgent = (onClosed: () => void) => Promise<AgentConnector>;

/** ACP over Streamable HTTP, by the SDK's server: who may use which of its connections is decided here. */
export class AcpHttp {
  readonly #server: AcpServer;
  readonly #connections: HttpConnections;

  constructor({ limits }: Pick<FrontCore, 'limits'>) {
    this.#server = new AcpServer({
      agent: NOBODY,
      maxBufferedBytes: limits.hardLimitBytes,
      maxOutputStallMs: limits.hardLimitMs,
    });
    this.#connections = new HttpConnections((id) => {
      void this.#server.handleRequest(new Request(HERE, { method: 'DELETE', headers: { [CONNECTION]: id } }));
      this.#connections.delete(id);
    });
  }

  /**
   * Answers one request of a client's.
   * @param makeAgent called for a new connection. @throws {FrontError} @throws what it throws
   */
  async answer(exchange: Exchange, agentId: string, makeAgent: MakeAgent): Promise<void> {
    const { owner, request } = exchange;
    if (request.method === 'HEAD') throw new FrontError(405, null, 'method not allowed');
    const body = request.method === 'POST' ? await exchange.read() : undefined;
    const id = exchange.header(CONNECTION);
    if (id === undefined && body) {
      await this.#open(exchange, agentId, body, makeAgent);
      return;
    }
    if (id === undefined) throw FrontError.badRequest('Acp-Connection-Id is missing');
    if (!this.#connections.has(id, owner, agentId)) throw new FrontError(404, 'not_found', 'no such connection');
    const over = this.#connections.begin(id);
    try {
      await respond(exchange, await this.#server.handleRequest(requestOf(exchange, body)));
    } finally {
      over();
    }
  }

  async #open(exchange: Exchange, agentId: string, body: JsonObject, makeAgent: MakeAgent): Promise<void> {
    const { owner } = exchange;
    const giveBack = this.#connections.reserve(owner);
    let response: Response;
    try {
      let id: string | undefined;
      const agent = await makeAgent(() => {
        if (id !== undefined) this.#connections.delete(id);
      });
      response = await this.#server.handleRequest(requestOf(exchange, body), { agent });
      id = response.headers.get(CONNECTION) ?? undefined;
      if (id !== undefined) this.#connections.add(id, owner, agentId);
    } finally {
      giveBack();
    }
    await respond(exchange, response);
  }
}

/** Every connection has its own. */
const NOBODY: AgentConnector = {
  connect() {
    throw new Error('nobody speaks for this agent');
  },
};

/** Where a request is, the SDK does not ask. */
const HERE = 'http://localhost/';

function requestOf(exchange: Exchange, body: JsonObject | undefined): Request {
  const { method = 'GET' } = exchange.request;
  const headers = PASSED_ON.flatMap((name) => {
    const value = exchange.header(name);
    return value === undefined ? [] : [[name, value] as [string, string]];
  });
  const text = body === undefined ? {} : { body: exactJson.stringify(body) };
  return new Request(HERE, { method, headers, signal: exchange.signal, ...text });
}

/** Passes a response on, no faster than it is read. @throws {FrontError} where it is an error, in the SDK's words */
async function respond({ response, signal }: Exchange, told: Response): Promise<void> {
  const { status, headers, body } = told;
  if (status >= 400) throw new FrontError(status, null, await told.text());
  headers.forEach((value, name) => {
    response.setHeader(name, value);
  });
  response.setHeader('cache-control', 'no-store');
  response.statusCode = status;
  if (!body) {
    response.end();
    return;
  }
  const reader = body.getReader();
  const leave = () => void reader.cancel().catch(() => {});
  // Whoever has gone while it was found out who they are is not heard going.
  if (signal.aborted) leave();
  else signal.addEventListener('abort', leave, { once: true });
  // It also ends while its client does not read.
  reader.closed.catch(() => response.destroy());
  response.flushHeaders();
  for (;;) {
    const { done, value } = await reader.read();
    if (signal.aborted) throw new ClientGone();
    if (done) break;
    if (!response.write(value)) await drained(response);
  }
  response.end();
}

/** Resolves when it takes more, or its client has gone; leaves no listener behind, for a stream may wait ever so often. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
    if (response.destroyed) done();
  });
}
