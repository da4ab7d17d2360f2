import type { AnyActorRef } from 'xstate';
import { CloseCode } from '../../protocol/close-codes.ts';
import type { RpcId } from '../../protocol/frame.ts';
import type { ParamsOf } from '../../protocol/methods.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { slot } from '../kernel/slots.ts';
import { type AuthFault, noteRefusal, notNow, retryMsOf } from './auth-fault.ts';
import { AUTH } from './authenticator.ts';

/** What holding one frame costs besides its bytes. */
const FRAME_OVERHEAD = 128;

/** What is being decided of a connection now. */
const deciding = slot(() => ({ decision: undefined as AuthDecision | undefined }));

/**
 * The time between a `session.auth` and the word on it: the embedder's, or that a JWT is proved. What the connection sends meanwhile is not even
 * parsed: it waits, in order, and is then dealt with as if it had come after the answer. So nobody overtakes it, and
 * nobody is turned away for having been quick.
 */
export class AuthDecision {
  readonly #abort = new AbortController();
  readonly #mostBytes: number;
  #held: (() => void)[] = [];
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** Aborts when nobody waits for the answer any more. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Keeps a frame for later. False: more waits than anybody may send who is not known. */
  hold(bytes: number, receive: () => void): boolean {
    this.#bytes += bytes + FRAME_OVERHEAD;
    if (this.#bytes > this.#mostBytes) return false;
    this.#held.push(receive);
    return true;
  }

  /** Lets in what has waited. One of them may be a `session.auth` with its own question: the others wait for that one. */
  release(client: Client): void {
    const held = this.#held.splice(0);
    for (const [at, receive] of held.entries()) {
      const next = deciding.peek(client)?.decision;
      if (next) {
        next.#held.unshift(...held.slice(at));
        next.#bytes += this.#bytes;
        return;
      }
      receive();
    }
  }

  /** Nobody waits for it any more, and what has waited is heard by nobody. */
  drop(): void {
    this.#held = [];
    this.#abort.abort(new Error('nobody waits for this answer any more'));
  }
}

/**
 * Has a JWT verified, or the embedder's function decide about a `session.auth`. The connection hears of it as it does of the broker's own
 * tokens; an answer that comes after its end, or after its time to authenticate, belongs to nobody.
 * @throws {WireError} `-32020` where the function leaves too many questions unanswered, or too many JWTs wait.
 */
export function startDecision(
  kernel: Kernel,
  client: Client,
  self: AnyActorRef,
  id: RpcId | undefined,
  params: ParamsOf<'session.auth'>,
): void {
  const { limits } = kernel;
  const auth = kernel.get(AUTH);
  // Who goes and comes back asks anew each time: what a function never answers must not pile up.
  if (auth.asks && auth.asking >= limits.maxConnections) throw putOff(kernel, 'session.auth', 'function_busy', client);
  if (params.jwt !== undefined && auth.isBusy) throw putOff(kernel, 'session.auth', 'jwt_busy', client);
  const decision = new AuthDecision(limits.maxUnauthenticatedBytes);
  const place = deciding.of(client);
  place.decision = decision;
  self.send({ type: 'auth.asked' });
  auth
    .ask(params, client.link, decision.signal)
    .catch((error: unknown) => {
      kernel.sparseLog.error(
        { client: client.id, detail: withoutSecrets(error, params) },
        'the function for auth failed',
      );
      return 'function' as const;
    })
    .then((found) => {
      if (place.decision !== decision) return;
      place.decision = undefined;
      if (typeof found === 'string') {
        const type = retryMsOf(found) === undefined ? 'auth.refused' : 'auth.unjudged';
        self.send({ type, id, why: found });
      } else self.send({ type: 'auth.granted', id, identity: found });
      decision.release(client);
    });
}

/** What somebody shows cannot be judged now: they are to come back with it. It is noted. */
export function putOff(kernel: Kernel, what: 'session.auth' | 'session.refresh', why: AuthFault, client: Client) {
  noteRefusal(kernel, what, why, { client: client.id });
  return notNow(kernel, why);
}

/** Nothing is being decided of this connection any more, and what has waited is heard by nobody. */
export function endDecision(client: Client): void {
  const place = deciding.peek(client);
  place?.decision?.drop();
  if (place) place.decision = undefined;
}

/** Whether it is being found out who this is. */
export function isBeingDecided(client: Client): boolean {
  return deciding.peek(client)?.decision !== undefined;
}

/** Keeps a frame until that is decided. More than a stranger may send closes the connection. */
export function hold(client: Client, bytes: number, receive: () => void): void {
  if (deciding.peek(client)?.decision?.hold(bytes, receive) === false)
    client.ref.send({ type: 'connection.close', code: CloseCode.NotAuthenticated });
}

/** What a function threw, for the log: it may well say which token it did not like. */
function withoutSecrets(error: unknown, { token, host_token: hostToken, jwt }: ParamsOf<'session.auth'>): string {
  let text: string;
  try {
    text = String(error instanceof Error ? (error.stack ?? error.message) : error);
  } catch {
    return 'it threw what cannot be written';
  }
  for (const secret of [token, hostToken, jwt]) if (secret) text = text.replaceAll(secret, '<token>');
  return text.slice(0, 4_096);
}
