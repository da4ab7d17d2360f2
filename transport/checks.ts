import type { IncomingMessage } from 'node:http';
import { isIPv6, type Socket } from 'node:net';
import type { AuthUnavailableError } from '../protocol/auth-unavailable.ts';
import type { StrangerReason } from './strangers.ts';

/** What a request was refused for, before anything else happened (`wire.md` section 1). */
export interface Refusal {
  status: 401 | 403 | 429 | 503;
  message: string;
  /** When to come again, in milliseconds. */
  retryAfterMs?: number;
  /** Of a 403: which check it failed, and what it came with. */
  reason?: StrangerReason;
  value?: string;
}

/** What whoever has a token that cannot be judged now is answered. */
export const notNow = ({ retryAfterMs }: AuthUnavailableError) =>
  ({ status: 503, message: 'tokens cannot be verified just now', retryAfterMs }) satisfies Refusal;

/** Who may come besides those of this machine and the broker's own pages. */
export interface Admitted {
  /** `scheme://host[:port]`, as browsers write it. */
  origins: ReadonlySet<string>;
  /** Names and addresses without a port, in lower case; of IPv6 in brackets. */
  hosts: ReadonlySet<string>;
}

/** A name or an address as it stands in `Host`, without a port. */
export const HOST_NAME = /^(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)$/i;

const LOOPBACK_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Whether an address is this machine's own: 127.0.0.0/8, ::1, or either of them mapped. */
export function isLoopbackAddress(address: string): boolean {
  return /^(::ffff:)?127\./i.test(address) || address === '::1' || address === 'localhost';
}

/**
 * The checks that stand before everything, plain HTTP and upgrades alike. A web page of somebody else's can reach a
 * loopback port, with its own `Origin`, or, by rebinding a name, with its own `Host`: neither gets in.
 */
export function checkOrigin(request: IncomingMessage, { origins, hosts }: Admitted): Refusal | undefined {
  const socket = request.socket as Socket;
  const address = socket.localAddress;
  if (address !== undefined && isLoopbackAddress(address)) {
    const { host = '' } = request.headers;
    const name = host.replace(/:\d*$/, '').toLowerCase();
    if (!LOOPBACK_HOSTS.has(name) && !hosts.has(name)) {
      return { status: 403, message: 'Host not allowed', reason: 'host', value: host };
    }
  }
  const { origin } = request.headers;
  if (origin === undefined) {
    return isForeignRead(request) ? { status: 403, message: 'Site not allowed', reason: 'site' } : undefined;
  }
  if (origins.has(origin) || ownOrigins(socket).has(origin)) return undefined;
  return { status: 403, message: 'Origin not allowed', reason: 'origin', value: origin };
}

/**
 * Whether a page of another site asks for something without saying its origin: for a picture, say, or in a frame. Its
 * visitor may follow a link to here, and that is all.
 */
function isForeignRead({ method, headers }: IncomingMessage): boolean {
  if (headers['sec-fetch-site'] !== 'cross-site') return false;
  const { 'sec-fetch-mode': mode, 'sec-fetch-dest': target = 'document' } = headers;
  return method !== 'GET' || mode !== 'navigate' || target !== 'document';
}

/** The origins of a page that the broker itself served: the address that this very request came in on. */
function ownOrigins(socket: Socket): Set<string> {
  const { localAddress: address, localPort: port } = socket;
  // A Unix socket has no address, and no browser behind it.
  if (address === undefined || port === undefined) return new Set();
  const scheme = 'encrypted' in socket ? 'https' : 'http';
  const plain = address.replace(/^::ffff:/i, '');
  const names = isLoopbackAddress(address) ? [...LOOPBACK_HOSTS] : [isIPv6(plain) ? `[${plain}]` : plain];
  // A browser leaves the scheme's own port out.
  const suffix = port === (scheme === 'https' ? 443 : 80) ? '' : `:${port}`;
  return new Set(names.map((name) => `${scheme}://${name}${suffix}`));
}
