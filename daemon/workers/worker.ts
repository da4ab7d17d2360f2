import cluster from 'node:cluster';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { UnixCarrier } from '../../link/unix-carrier.ts';
import { visibleLine } from '../../protocol/visible.ts';
import { readAttachments } from '../attach.ts';
import { collectAlone, keepYoungSmall } from '../collector.ts';
import type { Config } from '../config.ts';
import { ConfigError, isSystemError, StartError } from '../errors.ts';
import { stopOnFaults } from '../faults.ts';
import { filesOf, turnFilesOf } from '../home.ts';
import { readJwt } from '../jwt.ts';
import { listenTcp } from '../listening.ts';
import { openLog } from '../log.ts';
import { openBroker, openStores } from '../open-broker.ts';
import { Reload } from '../reload.ts';
import { renewOnReload } from '../renewal.ts';
import { Teardown } from '../teardown.ts';
import { readTls } from '../tls.ts';
import { keepToUser } from '../umask.ts';
import { tellAudit, writeAuditForAll } from './audit.ts';
import { leadFrontsHome, serveFrontsForAll, untilAnswered } from './fronts.ts';
import { lockWorker } from './left.ts';
import type { Beginning } from './messages.ts';
import { HOME_WORKER, linkDirectory, WORKER_VARIABLE, workerHome } from './place.ts';
import { WorkerStop } from './stop-order.ts';
import { SupervisorPipe } from './supervisor-pipe.ts';

/** How long a worker whose supervisor is gone has for what it does on a stop. Milliseconds. */
const ORPHAN_MS = 2_000;

/** So long one waits for the others before it takes connections. Milliseconds. */
const JOIN_MS = 5_000;

/**
 * A worker's whole life in this process. What it is told to be comes from its supervisor, and so do its stop and its
 * reload; of the signals it takes a SIGTERM alone, after which it is started again.
 */
export async function runWorker(env: NodeJS.ProcessEnv = process.env): Promise<void> {
  delete env[WORKER_VARIABLE];
  // A terminal sends these to the supervisor too, and that says what is to be done.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
  const pipe = new SupervisorPipe();
  const beginning = await pipe.beginning;
  const { settings, given, tokens, id } = beginning;
  const config: Config = { settings, tokens, given: new Map(given) };
  collectAlone();
  keepToUser();
  const log = await openLog(settings['log-level'], { worker: id });
  const teardown = new Teardown((error) => log.error({ err: error }, 'a step of stopping failed'));
  const reload = new Reload((error) => log.error({ err: error }, 'a step of reloading failed'));
  const stopping = new WorkerStop(id === HOME_WORKER);
  const isStopping = stopWhenTold(pipe, log, teardown, stopping);
  pipe.onReload = () => reload.run();
  stopOnFaults(log, teardown);
  try {
    const url = await start(beginning, config, env, { pipe, log, teardown, reload, stopping });
    keepYoungSmall();
    pipe.send({ type: 'listening', url, reloads: !reload.isEmpty });
    log.debug({ url }, 'the worker listens');
  } catch (error) {
    if (isStopping()) return;
    await teardown.stop();
    const isTold = error instanceof ConfigError || error instanceof StartError || isSystemError(error);
    if (!isTold) log.fatal({ err: error }, 'the worker could not start');
    const message = isTold ? error.message : `worker ${id} could not start; the log says why`;
    await pipe.say({
      type: 'failed',
      message: visibleLine(message.replaceAll(/\s*\n\s*/g, ' ')),
      code: error instanceof ConfigError ? 2 : 1,
    });
    process.exit(1);
  }
}

interface Life {
  pipe: SupervisorPipe;
  log: Logger;
  teardown: Teardown;
  reload: Reload;
  stopping: WorkerStop;
}

/** Brings it up. @returns its URL. @throws StartError, ConfigError or a system error. */
async function start(
  { id, names, port, socket, isFirst }: Beginning,
  config: Config,
  env: NodeJS.ProcessEnv,
  { pipe, log, teardown, reload, stopping }: Life,
): Promise<string> {
  const { settings } = config;
  const isHome = id === HOME_WORKER;
  const tls = readTls(config);
  const jwt = readJwt(config);
  const attachments = isHome ? await readAttachments(config, env, log) : undefined;
  const lock = lockWorker(settings.home, id);
  teardown.onExit(() => lock.release());
  const carrier = new UnixCarrier({ self: id, directory: linkDirectory(settings.home) });
  const peers = names.filter((name) => name !== id);
  for (const name of peers) carrier.connect(name);
  let url = '';
  let tellJoined = () => {};
  const joined = new Promise<void>((resolve) => {
    tellJoined = resolve;
  });
  const cluster = {
    id,
    carrier,
    directory: pipe.directory,
    home: HOME_WORKER,
    urls: () => (url === '' ? [] : [url]),
    flushMs: settings['peer-flush-ms'],
    peers,
    joined: tellJoined,
    metrics: pipe.metrics,
    together: stopping,
  };
  const { home } = settings;
  const fronts = isHome ? serveFrontsForAll(home, log, teardown) : leadFrontsHome(home, teardown);
  const audit = () =>
    isHome ? writeAuditForAll(settings, log, { teardown, reload }) : tellAudit(settings, id, log, teardown);
  const common = { config, env, log, teardown, reload, jwt, attachments, cluster, fronts, audit };
  const { broker, join } = isHome
    ? await openHomeBroker(common)
    : await openBroker({ ...common, files: turnFilesOf(workerHome(settings.home, id)) });
  pipe.onRelease = () => void untilAnswered(broker).then(() => stopping.release());
  if (isHome) await join();
  // Whoever comes by this one finds all that there is at the others.
  if (!isFirst) await Promise.race([joined, delay(JOIN_MS, undefined, { ref: false })]);
  url = await listenTcp(broker, config, tls, port);
  if (socket !== null) await broker.listen({ socket });
  renewOnReload(broker, config, { tls, jwt }, log, reload);
  return url;
}

/** The one that keeps what there is once. */
function openHomeBroker(common: Omit<Parameters<typeof openBroker>[0], 'files' | 'stores'>) {
  const { settings } = common.config;
  const files = filesOf(settings.home);
  const stores = openStores(settings, files, common.log, common.teardown);
  return openBroker({ ...common, files, stores });
}

/** A stop of the supervisor's, a SIGTERM to this worker alone, or the supervisor's end. */
function stopWhenTold(pipe: SupervisorPipe, log: Logger, teardown: Teardown, order: WorkerStop): () => boolean {
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= teardown.stop().then(() => process.exit(0));
  };
  pipe.onRelease = () => order.release();
  pipe.onStop = () => {
    // By itself it stops without the others.
    if (!stopping) order.hold();
    pipe.turnsLeft = () => order.turns;
    stop();
  };
  process.on('SIGTERM', () => {
    if (!stopping) log.info('SIGTERM: this worker stops, and is started again');
    stop();
  });
  pipe.onLost = () => {
    log.warn('the supervisor is gone: this worker stops, too');
    order.release();
    stop();
    setTimeout(() => {
      teardown.exitNow();
      process.exit(1);
    }, ORPHAN_MS);
  };
  if (!cluster.worker?.isConnected()) pipe.onLost();
  return () => stopping !== undefined;
}
