import type { Logger } from 'pino';
import { readAttachments } from './attach.ts';
import type { Config } from './config.ts';
import { openHome } from './home.ts';
import { readJwt } from './jwt.ts';
import { listenSocket, listenTcp, nextStep } from './listening.ts';
import { openBroker, openStores } from './open-broker.ts';
import type { Reload } from './reload.ts';
import { renewOnReload } from './renewal.ts';
import type { Teardown } from './teardown.ts';
import { readTls } from './tls.ts';
import { untilOrphansEnd, warnOfLeft } from './workers/left.ts';
import { HOME_WORKER } from './workers/place.ts';

/**
 * Brings the daemon up (`wire.md` section 12): home, tokens, listeners, `echo`, and `broker.json` last, so that whoever
 * finds that file finds everything else done. What has to be undone is handed to `teardown` as it comes to be.
 *
 * @throws StartError, ConfigError or a system error.
 */
export async function startDaemon(
  config: Config,
  env: NodeJS.ProcessEnv,
  log: Logger,
  teardown: Teardown,
  reload: Reload,
): Promise<void> {
  const { settings } = config;
  const tls = readTls(config);
  const jwt = readJwt(config);
  const attachments = await readAttachments(config, env, log);
  const home = openHome(settings.home, (err) => log.warn({ err }, 'a file of this run could not be removed'));
  teardown.onExit(() => home.release());
  await untilOrphansEnd(settings.home);
  await warnOfLeft(settings.home, [HOME_WORKER], log);
  const stores = openStores(settings, home, log, teardown);
  let url = '';
  const { broker, join } = await openBroker({
    config,
    env,
    log,
    teardown,
    reload,
    jwt,
    attachments,
    files: home,
    stores,
    urls: () => (url === '' ? [] : [url]),
  });
  home.writeTokens(broker.tokens);
  await join();
  url = await listenTcp(broker, config, tls);
  renewOnReload(broker, config, { tls, jwt }, log, reload);
  const socket = await listenSocket(settings, env, { runDirectory: home.runDirectory, log, teardown }, (path) =>
    broker.listen({ socket: path }),
  );
  home.announce({ pid: process.pid, url, socket, version: broker.version });
  log.info({ url, socket, home: settings.home, version: broker.version }, `listening on ${url}`);
  log.info(`try: ${nextStep(config)}`);
}
