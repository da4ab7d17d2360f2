import type { IncomingMessage } from 'node:http';

/** The header by which one process of a broker's tells another whose request it is. Nobody else can reach its socket. */
const HEADER = 'x-switchboard-client';

/** What a request's own socket would say of its client, and the door that it has come in by. */
export interface ClientFacts {
  /** Its address; undefined on a Unix socket. */
  readonly remote?: string | undefined;
  /** It speaks TLS. */
  readonly isSecure: boolean;
  /** There is room for one more connection where it is. */
  readonly hasRoom: boolean;
}

/** @param hasRoom - see {@link ClientFacts} @returns the header, with its name */
export function sayFacts({ socket }: IncomingMessage, hasRoom: boolean): Record<string, string> {
  const facts: ClientFacts = { remote: socket.remoteAddress, isSecure: 'encrypted' in socket, hasRoom };
  return { [HEADER]: JSON.stringify(facts) };
}

/**
 * Makes a request that another process has sent here what it was there: whoever looks at its socket sees the client's.
 * @returns undefined where it says nothing of a client
 */
export function takeFacts(request: IncomingMessage): ClientFacts | undefined {
  const facts = readFacts(request.headers[HEADER]);
  delete request.headers[HEADER];
  if (!facts) return undefined;
  const { socket } = request;
  // It may have served another client before.
  Object.defineProperty(socket, 'remoteAddress', { value: facts.remote, configurable: true });
  if (facts.isSecure) Object.defineProperty(socket, 'encrypted', { value: true, configurable: true });
  else Reflect.deleteProperty(socket, 'encrypted');
  return facts;
}

function readFacts(said: string | string[] | undefined): ClientFacts | undefined {
  if (typeof said !== 'string') return undefined;
  const { remote, isSecure, hasRoom } = Object(JSON.parse(said)) as Partial<ClientFacts>;
  if (typeof isSecure !== 'boolean' || typeof hasRoom !== 'boolean') return undefined;
  return { ...(typeof remote === 'string' ? { remote } : {}), isSecure, hasRoom };
}

/** What is of one connection alone, and not passed on to the next (RFC 9110, section 7.6.1). */
const OF_ONE_CONNECTION = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
  'expect',
  // A WebSocket's handshake is made anew; its subprotocols may have a token.
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-extensions',
]);

/** The headers of a message that are for whoever it is passed on to. */
export function passedOn(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string | string[]> {
  const passed: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && name !== HEADER && !OF_ONE_CONNECTION.has(name)) passed[name] = value;
  return passed;
}
