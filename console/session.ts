import { computed, signal } from '@preact/signals';
import { AuthError, connectHost, type Host } from '../client/browser.ts';
import { taps } from './tap.ts';

/** How the page stands with the daemon. `host` is a new object after each reconnect; what hangs on it starts anew. */
export type Session =
  /** `why`: the token was refused, by this daemon from the first or by one that has been started since. */
  | { kind: 'signed-out'; why?: 'refused' | 'restarted' }
  /** `typed`: somebody has just typed the token. */
  | { kind: 'connecting'; typed: boolean }
  /** `again`: it was lost before. */
  | { kind: 'connected'; host: Host; again: boolean }
  /** The connection was lost; it is tried again, the next time at `retryAt` (Unix ms). */
  | { kind: 'lost'; since: number; retryAt: number };

export const session = signal<Session>({ kind: 'connecting', typed: false });

/** The connection while there is one. */
export const host = computed(() => (session.value.kind === 'connected' ? session.value.host : undefined));

const TOKEN_KEY = 'switchboard.host-token';
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 5_000;
/** Who connects now. One that finds itself replaced leaves everything alone. */
let attempt = 0;
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
  leave();
  session.value = { kind: 'signed-out' };
}

/** Does not wait for the next try. */
export function retryNow(): void {
  wake?.();
}

function leave(): void {
  attempt += 1;
  wake?.();
  void host.peek()?.close();
}

/** Keeps a connection until the token is refused or the person signs out. */
async function connect(token: string, typed: boolean): Promise<void> {
  leave();
  const mine = attempt;
  let wait = FIRST_RETRY_MS;
  let since: number | undefined;
  let wasConnected = false;
  session.value = { kind: 'connecting', typed };
  while (mine === attempt) {
    try {
      const connection = await connectHost({ url: socketUrl(), hostToken: token, ...taps });
      if (mine !== attempt) return void connection.close();
      session.value = { kind: 'connected', host: connection, again: wasConnected };
      wasConnected = true;
      wait = FIRST_RETRY_MS;
      since = undefined;
      await connection.closed;
    } catch (error) {
      if (mine !== attempt) return;
      if (error instanceof AuthError) {
        sessionStorage.removeItem(TOKEN_KEY);
        session.value = { kind: 'signed-out', why: wasConnected ? 'restarted' : 'refused' };
        return;
      }
    }
    if (mine !== attempt) return;
    since ??= Date.now();
    session.value = { kind: 'lost', since, retryAt: Date.now() + wait };
    await pause(wait);
    wait = Math.min(wait * 2, LAST_RETRY_MS);
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
