import { computed, signal } from '@preact/signals';
import { AuthError, connectHost, type Host, type HostOptions, type HostStatus } from '../client/browser.ts';
import { KEY_PREFIX } from '../protocol/grants.ts';
import { forgetAll } from './sign-out.ts';
import { taps } from './tap.ts';

/** How the page stands with the daemon. `host` is a new object after each reconnect; what hangs on it starts anew. */
export type Session =
  /**
   * `why`: the token was refused, by this daemon from the first or by one that has been started since; a JWT does not manage, or has
   * ended; a key does not do here, or not any more.
   */
  | { kind: 'signed-out'; why?: Refusal }
  /** `typed`: somebody has just typed the token. */
  | { kind: 'connecting'; typed: boolean }
  /** `again`: it was lost before. */
  | { kind: 'connected'; host: Host; again: boolean }
  /** The connection was lost; it is tried again, the next time at `retryAt` (Unix ms). */
  | { kind: 'lost'; since: number; retryAt: number };

/** See {@link Session}. */
type Refusal = 'refused' | 'restarted' | 'unfit' | 'ended' | 'key';

export const session = signal<Session>({ kind: 'connecting', typed: false });

/** The connection while there is one. */
export const host = computed(() => (session.value.kind === 'connected' ? session.value.host : undefined));

/** A JWT has two dots, and no other token has one. */
const JWT = /^[\w-]+\.[\w-]+\.[\w-]*$/;
const TOKEN_KEY = 'switchboard.host-token';
/** Waits between two tries; milliseconds. */
const RETRY = { minMs: 500, maxMs: 5_000 };
/** How long after a first connection that did not come about. Milliseconds. */
const FIRST_RETRY_MS = 2_000;
/** Who connects now. One that finds itself replaced leaves everything alone. */
let attempt = 0;
/** The connection, one that is lost and tried again too. */
let kept: Host | undefined;
let wake: (() => void) | undefined;

/** Where the daemon's WebSocket is: beside the page. */
const socketUrl = () => {
  const url = new URL('.', location.href);
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
};

/** The token in a link that signs in, or in its fragment. */
export function tokenIn(text: string): string | undefined {
  const [, token] = /#token=([^&\s]+)/.exec(text) ?? [];
  if (token === undefined) return undefined;
  try {
    return decodeURIComponent(token);
  } catch {
    return token;
  }
}

const proofOf = (token: string) => (JWT.test(token) ? { jwt: token } : { hostToken: token });

/** Takes the token out of the address (`#token=…`), so that it stays in no history, or from this tab's storage. */
export function startSession(): void {
  addEventListener('hashchange', () => {
    // A new link, pasted into the address of a page that is open already.
    if (takeFromAddress()) connectWithStored();
  });
  // Who comes back to the tab, or to the network, does not wait for the next try.
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && retryNow());
  addEventListener('online', retryNow);
  takeFromAddress();
  connectWithStored();
}

function takeFromAddress(): boolean {
  const given = tokenIn(location.hash);
  if (given === undefined) return false;
  sessionStorage.setItem(TOKEN_KEY, given);
  history.replaceState(null, '', `${location.pathname}${location.search}`);
  return true;
}

function connectWithStored(): void {
  const token = sessionStorage.getItem(TOKEN_KEY);
  if (token) void connect(token, false);
  else session.value = { kind: 'signed-out' };
}

/** Tries a token that somebody typed. */
export function signIn(token: string): void {
  sessionStorage.setItem(TOKEN_KEY, token);
  void connect(token, true);
}

/** Forgets the token and the connection. */
export function signOut(): void {
  sessionStorage.removeItem(TOKEN_KEY);
  // While there still is a connection: they may have a last word.
  forgetAll();
  leave();
  session.value = { kind: 'signed-out' };
}

/**
 * A further connection by the same token, which does not come back where it is lost: for what is to go with a page.
 *
 * @throws {SwitchboardError} it cannot be opened
 */
export function connectAside(options: Pick<HostOptions, 'json' | 'onFrame' | 'onStatus'>): Promise<Host> {
  const token = sessionStorage.getItem(TOKEN_KEY) ?? '';
  return connectHost({ url: socketUrl(), ...proofOf(token), ...options });
}

/** Does not wait for the next try. */
export function retryNow(): void {
  wake?.();
  kept?.retry();
}

function leave(): void {
  attempt += 1;
  wake?.();
  void kept?.close();
  kept = undefined;
}

/** Keeps a connection until the token is refused or the person signs out. Once it is there, the SDK brings it back. */
async function connect(token: string, typed: boolean): Promise<void> {
  leave();
  const mine = attempt;
  let since: number | undefined;
  let wasConnected = false;
  let isRefused = false;
  session.value = { kind: 'connecting', typed };
  const connected = (connection: Host) => {
    // A view of its own for each connection: what hangs on it starts anew.
    session.value = { kind: 'connected', host: Object.create(connection), again: wasConnected };
    wasConnected = true;
    since = undefined;
  };
  const lost = (waitMs: number) => {
    since ??= Date.now();
    session.value = { kind: 'lost', since, retryAt: Date.now() + waitMs };
  };
  const refused = (why: Refusal) => {
    sessionStorage.removeItem(TOKEN_KEY);
    session.value = { kind: 'signed-out', why };
    isRefused = true;
  };
  const onStatus = (now: HostStatus) => {
    if (mine !== attempt || isRefused) return;
    if (now.status === 'ready' && kept) connected(kept);
    else if (now.status === 'waiting') lost(now.delayMs);
    else if (now.status === 'closed' && now.error instanceof AuthError) {
      if (token.startsWith(KEY_PREFIX)) refused('key');
      else refused(!wasConnected ? 'refused' : isJwt ? 'ended' : 'restarted');
    } else if (now.status === 'closed') lost(FIRST_RETRY_MS);
  };
  const proof = proofOf(token);
  const isJwt = 'jwt' in proof;
  while (mine === attempt) {
    try {
      const options = { url: socketUrl(), ...proof, reconnect: RETRY, onStatus };
      const connection = await connectHost({ ...options, ...taps });
      if (mine !== attempt) return void connection.close();
      if (connection.role !== 'host') {
        refused('unfit');
        return void connection.close();
      }
      kept = connection;
      if (connection.status === 'ready') connected(connection);
      await connection.closed;
    } catch {
      // Its status has told why.
    }
    if (mine !== attempt) return;
    kept = undefined;
    if (isRefused) return;
    await pause(FIRST_RETRY_MS);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}
