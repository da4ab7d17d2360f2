import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { AuthIdentity } from './actors/connection/auth-function.ts';
import type { Caller } from './actors/requests/caller.ts';
import type { ExecuteToolOptions } from './actors/tools/execute-tool.ts';
import type { BrokerKeys } from './broker-keys.ts';
import type { MethodOptions, UpsertAgentOptions } from './broker-options.ts';
import type { JwtOptions } from './jwt/options.ts';
import type { AgentSpec } from './protocol/agents.ts';
import type { Front } from './protocol/grants.ts';
import type { Limits } from './protocol/limits.ts';
import type { Link } from './protocol/link.ts';
import type { InputOf } from './protocol/methods.ts';
import type { UpgradeRequest } from './protocol/upgrade-request.ts';
import type { Address, ListenOptions } from './transport/listener.ts';
import type { RouteHandler, SocketHandler } from './transport/routes.ts';
import type { TlsCertificates } from './transport/tls-options.ts';

/** What `broker.connect()` takes. */
export interface ConnectOptions {
  /**
   * Who the connection is: it then need not authenticate, and cannot be anybody else (`docs/protocol.md#principals`). Said as
   * an `auth` function says it, or as {@link Broker.identifyBearer} has told it. That is more than the tenant and `sub` which
   * {@link Caller.principal} is: it may have a role, a name, scopes and `mayUse` beside them.
   */
  principal?: AuthIdentity | undefined;
}

/** A broker: one root actor, and the ways in. */
export interface Broker {
  /** The tokens that `session.auth` takes. Secrets: for the embedder, not for a log. */
  readonly tokens: { readonly daemon: string; readonly host: string };
  /** Keys of people and programs, for `session.auth` and for headers. */
  readonly keys: BrokerKeys;
  /** The version that `server.handshake` tells. */
  readonly version: string;
  /** The limits in force: those that were given, and the defaults of the others. */
  readonly limits: Readonly<Limits>;
  /**
   * Listens on TCP, or on a Unix socket. Without a `host` that is `127.0.0.1` and, where the machine has it, `[::1]`,
   * on the same port, by default 9100; the address is the first one's. With `tls` the port speaks `wss` and `https`
   * alone. Rejects with Node's own error, or a `TypeError` that says what is wrong with a certificate or its key.
   */
  listen(options?: ListenOptions): Promise<Address>;
  /**
   * Shows other certificates on the ports that speak TLS, to whoever comes from now on; those who are connected stay.
   * Whether clients are asked for certificates stays, too. What has expired is used, and said in the log.
   * @throws {TypeError} where they cannot be used: then all stays as it was. @throws {Error} where no port speaks TLS.
   */
  renewTls(tls: TlsCertificates): void;
  /**
   * From now on the issuer of JWTs has these keys, where `createBroker` was given them: `{ jwt: { jwks } }`. Connections stay.
   * @throws {TypeError} where it is no set of public keys. @throws {Error} where they are fetched, or no JWT is taken.
   */
  renewJwks(jwks: NonNullable<JwtOptions['jwks']>): void;
  /** Takes an `upgrade` of somebody's own HTTP server, with the same checks as on a port of the broker's own. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /**
   * Answers `/healthz`, `/readyz`, `/metrics` and the console's pages for somebody's own HTTP server. The console finds
   * its files and its WebSocket beside itself: below a path of its own, `/broker/` say, upgrades there are the broker's
   * too.
   */
  handleRequest(request: IncomingMessage, response: ServerResponse): void;
  /**
   * Leads the HTTP requests below a path to a handler of the embedder's own, whatever their method: on the broker's
   * ports and in {@link Broker.handleRequest}, behind the checks of `Host` and `Origin`, and those alone. Who asks is the
   * handler's to find out. `/hooks` is that path and all below it; of two prefixes the longer one has it. On a port of
   * the broker's own a request has ten seconds to arrive. An answer that is not finished when the broker has closed is
   * cut off, or was never begun: then it is 503, as for whoever asks later.
   * @param sockets decides on WebSockets below that path, behind the same checks: who takes the link, or why not. It is
   * bounded as any connection is, and closed with the broker. Default: they are clients of the broker's.
   * @throws {Error} where the prefix is none, or taken, or the broker closes.
   */
  route(prefix: string, handler: RouteHandler, sockets?: SocketHandler): Broker;
  /**
   * A connection inside this process; its other end speaks the same wire and authenticates the same way, unless
   * `principal` says who it is. Throws a `TypeError` for what is no identity.
   */
  connect(options?: ConnectOptions): Link;
  /**
   * Who comes with `Authorization: Bearer`: by a key, a JWT, the daemon's or host's token, or what `auth` knows. For a
   * {@link Broker.route}, and as `principal` of {@link Broker.connect}. Undefined: nobody, counted and logged; answer
   * 401. Rejects with an `AuthUnavailableError` where that cannot be found out now: answer 503 with `Retry-After`, as the
   * broker does by itself where a handler lets it through.
   * @param front - the way in, for keys that are for some alone. Default `ws`.
   */
  identifyBearer(request: UpgradeRequest, front?: Front): Promise<AuthIdentity | undefined>;
  /** Adds a method of the embedder's own. @throws {Error} where the name is none, or taken, or the broker closes. */
  method<T>(name: string, options: MethodOptions<T>): Broker;
  /**
   * Sends a notification of the embedder's own to one connection, a {@link Caller}'s say, which the SDK's
   * `onNotification` hears. It waits in line with everything else for that connection, and counts towards what may wait
   * (`wire.md` section 9).
   * @param params a JSON object or array; default `{}`.
   * @returns whether it was there to be sent to: known, authenticated and not closing. That it has arrived nobody says.
   * @throws {TypeError} where the name is one of the protocol's own, or `params` is no JSON.
   * @throws {RangeError} where the frame is larger than `limits.maxMessageBytes`.
   */
  notify(clientId: string, method: string, params?: object): boolean;
  /**
   * What `agents.upsert` does, with its parameters as on the wire. A store that keeps by a promise has not kept it yet
   * when this returns; {@link Broker.close} waits for that. Where it could not, that is logged, and the agent is as it
   * was before.
   */
  upsertAgent(params: InputOf<'agents.upsert'>, options?: UpsertAgentOptions): { spec: AgentSpec; token?: string };
  /**
   * Runs a tool of any connection's, outside a turn (`wire.md` section 7). Rejects with a `WireError`: the host's own
   * error, or `-32602` (`parameters` is no JSON), `-32014` (no such connection), `-32017`, `-32018`, `-32019`, `-32020`.
   */
  executeTool(clientId: string, tool: string, parameters: unknown, options?: ExecuteToolOptions): Promise<unknown>;
  /**
   * Stops as section 10 says: drains, closes every connection with 1001, stops listening. Repeated calls share one end.
   */
  close(): Promise<void>;
  /** {@link Broker.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}
