import type { Logger } from 'pino';
import { openTurnJournal, type TurnJournal, TurnJournalDamaged } from '../broker.ts';
import type { Settings } from './config.ts';
import { StartError } from './errors.ts';
import type { Teardown } from './teardown.ts';

/**
 * Opens the turns' journal, as `--durable` says; undefined where there is none. It is closed behind whatever is torn down before.
 *
 * @throws StartError where it cannot be used, or is damaged
 */
export async function openJournal(
  settings: Settings,
  directory: string,
  log: Logger,
  teardown: Teardown,
): Promise<TurnJournal | undefined> {
  const { durable: level, 'journal-max': maxBytes, 'journal-repair': repair } = settings;
  if (level === 'off') return undefined;
  try {
    const journal = await openTurnJournal({ directory, level, maxBytes, repair });
    teardown.onStop(() => journal.close());
    for (const { file, offset } of journal.damaged)
      log.warn(
        { file, offset },
        'a part of the journal of turns is damaged, and lost; its file is put aside once nothing needs it',
      );
    const turns = journal.recovered.length;
    if (turns > 0) log.info({ turns }, `the journal has ${turns} ${turns === 1 ? 'turn' : 'turns'} of before`);
    return journal;
  } catch (error) {
    if (error instanceof TurnJournalDamaged)
      throw new StartError(
        `${error.message}: put a copy of it from before in its place, or start once with --journal-repair, which loses what cannot be read; what there is: switchboard journal`,
      );
    throw new StartError(`cannot open the journal of turns in ${directory}: ${(error as Error).message}`);
  }
}
