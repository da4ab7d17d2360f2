import type { Logger } from 'pino';
import type { Broker } from '../broker.ts';
import type { Config } from './config.ts';
import { ConfigError } from './errors.ts';
import { fileSessionStore } from './session-store.ts';
import { umaskOfUser } from './umask.ts';

/** The agents that the daemon attaches itself (`--attach FILE`). */
export interface Attachments {
  /**
   * Joins all of them to the broker. They are there when this resolves; what stands behind them may still be starting.
   * @param known ids of agents that the daemon keeps: those stay known when it ends.
   */
  join(broker: Broker, known: ReadonlySet<string>): Promise<void>;
  /** Ends them. After the broker has. Never rejects. */
  close(): Promise<void>;
}

/**
 * Reads the file of `--attach`; undefined where there is none.
 * @throws {ConfigError}
 */
export async function readAttachments(
  { settings, given }: Config,
  env: NodeJS.ProcessEnv,
  log: Logger,
): Promise<Attachments | undefined> {
  const { attach: path } = settings;
  if (path === undefined) return undefined;
  // They bring the SDK, and more, which nothing else here needs.
  const [{ readAttachFile }, { SettingError }, { Join }] = await Promise.all([
    import('../attach/file.ts'),
    import('../attach/kinds.ts'),
    import('../attach/join.ts'),
  ]);
  const entries = (() => {
    try {
      return readAttachFile(path, given.get('attach') ?? '--attach');
    } catch (error) {
      throw error instanceof SettingError ? new ConfigError(error.message) : error;
    }
  })();
  const joins: InstanceType<typeof Join>[] = [];
  const watch = async (id: string, join: (typeof joins)[number]) => {
    const error = await join.closed;
    if (isOver) return;
    log.warn({ agent: id, reason: error.message }, 'an attached agent has lost its place: it is ended');
    await join.close();
  };
  let isOver = false;
  return {
    async join(broker, known) {
      for (const { id, load } of entries) {
        const { token } = broker.upsertAgent({ id, rotate_token: true }, { ephemeral: !known.has(id) });
        const connection = { link: () => broker.connect() };
        const kind = await load();
        const umask = umaskOfUser();
        const sessions = fileSessionStore(settings.home, id);
        const options = { kind, agentId: id, connection, token, log, env, umask, sessions } as const;
        const join = new Join({ ...options, onFailedStart: 'retry' });
        joins.push(join);
        await join.start();
        void watch(id, join);
      }
    },
    async close() {
      isOver = true;
      await Promise.all(joins.map((join) => join.close()));
    },
  };
}
