import type { IncomingMessage } from 'node:http';
import { isIPv6, type Socket } from 'node:net';

/** What a request was refused for, before anything else happened (`wire.md` section 1). */
export interface Refusal {
  status: 403 | 503;
  message: string;
}

const LOOPBACK_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Whether an address is this machine's own: 127.0.0.0/8, ::1, or either of them mapped. */
export function isLoopbackAddress(address: string): boolean {
  return /^(::ffff:)?127\./i.test(address) || address === '::1' || address === 'localhost';
}

/**
 * The checks that stand before everything, plain HTTP and upgrades alike. A web page of somebody else's can reach a
 * loopback port, with its own `Origin`, or, by rebinding a name, with its own `Host`: neither gets in.
 */
export function checkOrigin(request: IncomingMessage, allowedOrigins: ReadonlySet<string>): Refusal | undefined {
  const socket = request.socket as Socket;
  const address = socket.localAddress;
  if (address !== undefined && isLoopbackAddress(address)) {
    const host = request.headers.host;
    if (host === undefined || !LOOPBACK_HOSTS.has(host.replace(/:\d*$/, '').toLowerCase())) {
      return { status: 403, message: 'Host not allowed' };
    }
  }
  const { origin } = request.headers;
  if (origin === undefined) return isForeignRead(request) ? { status: 403, message: 'Site not allowed' } : undefined;
  if (allowedOrigins.has(origin)) return undefined;
  return ownOrigins(socket).has(origin) ? undefined : { status: 403, message: 'Origin not allowed' };
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
