import type { UpgradeRequest } from '../protocol/upgrade-request.ts';

/** What the broker calls itself where a client lets it choose a WebSocket subprotocol (`docs/protocol.md#keys`). */
export const SUBPROTOCOL = 'switchboard';
/** What stands before a token among the subprotocols: a page can send no other header. */
const BEARER = 'bearer.';
/** The scheme of the header; of another one it is not ours, a proxy may have one for itself. */
const SCHEME = /^bearer(?:[ \t]|$)/i;
/** The longest token in a header. */
const MAX_TOKEN = 8 * 1024;

/**
 * The token that a request comes with: in `Authorization: Bearer`, or from a browser's WebSocket as the subprotocol
 * `bearer.<token>`. Undefined where there is none; empty where what is there can be nobody's: too long, or two that
 * differ.
 */
export function bearerOf({ headers }: Pick<UpgradeRequest, 'headers'>): string | undefined {
  const [authorization = '', offered = ''] = [headers.authorization, headers['sec-websocket-protocol']].map((header) =>
    String(header ?? ''),
  );
  const tokens = new Set<string>();
  if (SCHEME.test(authorization)) tokens.add(authorization.slice('bearer'.length).trim());
  for (const name of offered.split(',').map((name) => name.trim()))
    if (name.startsWith(BEARER)) tokens.add(name.slice(BEARER.length));
  const [token] = tokens;
  if (token === undefined) return undefined;
  return tokens.size > 1 || token.length > MAX_TOKEN ? '' : token;
}

/** Which of the subprotocols on offer the broker takes: its own, else the first that is no token. False: none. */
export function chooseSubprotocol(offered: ReadonlySet<string>): string | false {
  if (offered.has(SUBPROTOCOL)) return SUBPROTOCOL;
  for (const name of offered) if (!name.startsWith(BEARER)) return name;
  return false;
}
