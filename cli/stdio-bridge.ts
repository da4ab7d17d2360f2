import type { Host } from '../client/node.ts';
import { FrontError } from '../fronts/core/errors.ts';
import { FrontTurn, type TurnSpec } from '../fronts/core/turn.ts';
import type { Front } from '../protocol/grants.ts';
import { Exit } from './exit.ts';
import { explain } from './explain.ts';
import type { Io } from './io.ts';
import { type ConnectionFlags, openHost } from './with-host.ts';

/** How long turns that are cancelled at the end may take. Milliseconds. */
const LEAVE_MS = 2_000;
/** Whoever speaks to this process is one. */
const OWNER = 'stdio';

/** A front on stdio: the way to the daemon, and when it is over. */
export interface StdioBridge {
  /**
   * A connection of its own for each turn, and for each question: a daemon that was started again is found again.
   * @throws {FrontError} why there is none, in a command's own words
   */
  connect(): Promise<Host>;
  openTurn(spec: TurnSpec, signal: AbortSignal): Promise<FrontTurn>;
}

/** The way to a daemon for one front on stdio. @throws {CliError} and the SDK's errors where there is none. */
export async function openBridge(io: Io, flags: ConnectionFlags, front: Front): Promise<StdioBridge> {
  // Whoever starts this is told at once.
  await (await openHost(io, flags)).close();
  const connect = () =>
    openHost(io, flags).catch((error: unknown) => {
      throw refusal(error, io);
    });
  return {
    connect,
    async openTurn(spec, signal) {
      return FrontTurn.open(OWNER, await connect(), { ...spec, context: { ...spec.context, front } }, signal);
    },
  };
}

/** What a front's client is told of why there is no connection. */
function refusal(error: unknown, { env }: Io): FrontError {
  const { exit, message } = explain(error, env);
  if (exit === Exit.NotAuthorised) return new FrontError(401, 'invalid_api_key', message);
  return new FrontError(503, exit === Exit.NoDaemon ? 'no_daemon' : null, message);
}

/** Serves until stdin ends, nobody reads stdout, a signal comes, or `closed` resolves; then `close`, and what it began may end. */
export async function serveStdio(io: Io, closed: Promise<unknown>, close: () => Promise<unknown>): Promise<void> {
  const ends: (() => void)[] = [];
  const told = new Promise<void>((resolve) => {
    ends.push(io.onTerminate(resolve), io.onInterrupt(resolve));
    for (const event of ['error', 'close']) {
      io.stdout.once(event, resolve);
      ends.push(() => io.stdout.off(event, resolve));
    }
  });
  await Promise.race([closed, told]);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, LEAVE_MS);
  });
  await Promise.race([close(), late]);
  clearTimeout(timer);
  for (const end of ends) end();
  // Else whoever has not hung up would keep this process.
  io.stdin.destroy();
}
