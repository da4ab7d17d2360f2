import type { Logger } from 'pino';
import type { Broker, TlsOptions } from '../broker.ts';
import { ClusterError } from '../cluster/errors.ts';
import { NatsError } from '../nats/errors.ts';
import { ownCommand } from '../own-command.ts';
import type { Config, Settings } from './config.ts';
import { isSystemError, StartError } from './errors.ts';
import { reachableUrl } from './loopback.ts';
import { bindSocket, chooseSocket, prepareDirectory } from './socket.ts';
import type { Teardown } from './teardown.ts';

/**
 * Listens on the TCP port.
 *
 * @returns the URL by which this machine reaches it.
 * @throws StartError where that port cannot be had.
 */
export async function listenTcp(
  broker: Broker,
  { settings, given }: Config,
  tls: TlsOptions | undefined,
  port: number = settings.port,
): Promise<string> {
  try {
    // Unless somebody says where, on both loopback addresses.
    const where = { port, ...(given.has('host') ? { host: settings.host } : {}), ...(tls ? { tls } : {}) };
    return reachableUrl((await broker.listen(where)).url);
  } catch (error) {
    const code = isSystemError(error) ? (error.code ?? '') : '';
    const host = (error as { address?: string }).address ?? settings.host;
    const why: Record<string, string> = {
      EADDRINUSE: `port ${port} on ${host} is in use; stop what holds it, or choose another with --port`,
      EACCES: `port ${port} on ${host} is not allowed for this user; choose another with --port`,
      EADDRNOTAVAIL: `${host} is no address of this machine; choose another with --host`,
      ENOTFOUND: `${host} is no host that this machine knows; choose another with --host`,
    };
    const words = why[code];
    // By then it joins the others.
    if (error instanceof NatsError || error instanceof ClusterError) throw new StartError(error.message);
    throw words === undefined ? error : new StartError(words);
  }
}

/**
 * Listens on the Unix socket too. Without the default one the daemon starts all the same.
 *
 * @param bind - listens on that path.
 * @returns the path; null where there is none.
 */
export async function listenSocket(
  settings: Settings,
  env: NodeJS.ProcessEnv,
  { runDirectory, log, teardown }: { runDirectory: string; log: Logger; teardown: Teardown },
  bind: (path: string) => Promise<unknown>,
): Promise<string | null> {
  const choice = chooseSocket(settings, runDirectory, env);
  if (choice.path === null) {
    if (choice.why) log.warn(`no Unix socket: ${choice.why}`);
    return null;
  }
  const { path, explicit } = choice;
  try {
    prepareDirectory(path, explicit);
  } catch (error) {
    if (explicit || !(error instanceof StartError || isSystemError(error))) throw error;
    log.warn(`no Unix socket: ${error.message}`);
    return null;
  }
  const forget = await bindSocket(path, () => bind(path));
  teardown.onAbruptExit(forget);
  return path;
}

/** What somebody who has started it may do next: a command. */
export function nextStep({ settings, given }: Config): string {
  const elsewhere = given.has('home') ? `SWITCHBOARD_HOME=${JSON.stringify(settings.home)} ` : '';
  return `${elsewhere}${ownCommand(process.env)} ${settings.demo ? 'chat echo "hello"' : 'agents add my-agent'}`;
}
