import { useEffect, useRef, useState } from 'preact/hooks';
import type { Host } from '../../client/browser.ts';
import type { RecordedTurnLog } from '../../protocol/recording.ts';
import { usePoll } from '../use-poll.ts';
import { askTurn, type Trouble, troubleOf } from './ask.ts';
import { openedFile } from './opened-file.ts';
import { numbered, reunited } from './reunite.ts';

const POLL_MS = 700;
/** The same after a refusal: there may be the turn once the daemon has read its disk. */
const RETRY_MS = 5_000;
/** Records of one turn that the page holds. */
const MAX_RECORDS = 200_000;

/** A turn as this page has it. */
export interface OpenedTurn {
  /** What has come of it; undefined before the first answer. */
  log: RecordedTurnLog | undefined;
  /** Why it is not there, or why nothing more comes. */
  trouble: Trouble | undefined;
  /** It has more records than the page holds. */
  isCut: boolean;
  /** It was read from a file. */
  isFile: boolean;
}

/** The id by which the address names the turn of a file that was opened in this page. */
export const FILE = 'file';

/** What is asked for again and again. */
interface Following {
  readonly id: string;
  opened: OpenedTurn;
  /** Nothing more will come. */
  isWhole: boolean;
  /** The connection by which it came. */
  host: Host | undefined;
  /** See {@link reunited}. */
  offset: number;
}

const following = (id: string): Following => ({ id, opened: NOTHING, isWhole: false, host: undefined, offset: 0 });

const NOTHING: OpenedTurn = { log: undefined, trouble: undefined, isCut: false, isFile: false };

/**
 * A recorded turn by its id, or {@link FILE}. A live one grows. What has come once stays while a component is there, even
 * where the daemon has forgotten it meanwhile.
 */
export function useTurn(id: string): OpenedTurn {
  const [opened, setOpened] = useState(NOTHING);
  const state = useRef<Following>(following(id));
  useEffect(() => {
    if (state.current.id === id) return;
    state.current = following(id);
    setOpened(NOTHING);
  }, [id]);
  usePoll(
    opened.trouble === undefined ? POLL_MS : RETRY_MS,
    async (host) => {
      const now = state.current;
      if (id === FILE || now.id !== id || now.isWhole) return;
      const tell = (next: OpenedTurn) => {
        if (state.current !== now) return;
        now.opened = next;
        setOpened(next);
      };
      let { log } = now.opened;
      try {
        if (log && now.host !== host) {
          const again = reunited({ log, offset: now.offset }, await whole(host, id));
          if (state.current !== now) return;
          now.offset = again.offset;
          log = again.log;
        }
        now.host = host;
        for (;;) {
          const { offset } = now;
          const told = await askTurn(host, log ? { turn_id: id, after: log.next - offset } : { turn_id: id });
          if (state.current !== now) return;
          log = grown(log, moved(told, log, offset));
          const isCut = log.records.length >= MAX_RECORDS;
          // All of it at once: each piece would be read and drawn with those before it, and the moment that the address names may be in the last.
          if (told.more !== undefined && told.records.length > 0 && !isCut) continue;
          now.isWhole = isCut || (told.more === undefined && log.turn.ended_at !== undefined);
          return tell({ log, trouble: undefined, isCut, isFile: false });
        }
      } catch (error) {
        const trouble = troubleOf(error) ?? now.opened.trouble;
        if (trouble !== now.opened.trouble || log !== now.opened.log) tell({ ...now.opened, log, trouble });
      }
    },
    [id],
  );
  if (id === FILE) return { ...NOTHING, log: openedFile.value?.log, isFile: true };
  return state.current.id === id ? opened : NOTHING;
}

/** All that the daemon has of a turn, page by page. */
async function whole(host: Host, turn_id: string): Promise<RecordedTurnLog> {
  let log: RecordedTurnLog | undefined;
  for (;;) {
    const told = await askTurn(host, log ? { turn_id, after: log.next } : { turn_id });
    log = grown(log, told);
    if (told.more === undefined || told.records.length === 0 || log.records.length >= MAX_RECORDS) return log;
  }
}

/** What the daemon tells by the numbers of this page; what its life before has told of the turn's beginning stays. */
function moved(told: RecordedTurnLog, known: RecordedTurnLog | undefined, offset: number): RecordedTurnLog {
  if (offset === 0 || !known) return told;
  const { started_at, host, prompt } = known.turn;
  const turn = { ...told.turn, started_at, host, prompt };
  return { ...told, turn, records: numbered(told.records, offset), next: told.next + offset };
}

/** What was known, and what came since. */
export function grown(known: RecordedTurnLog | undefined, told: RecordedTurnLog): RecordedTurnLog {
  if (!known) return { ...told, records: told.records.slice(0, MAX_RECORDS) };
  const { next } = known;
  const fresh = told.records.filter(({ sequence }) => sequence > next);
  const { turn } = told;
  const machines = { ...known.machines, ...told.machines };
  if (fresh.length === 0) return { ...known, turn, machines, next: told.next };
  return { ...known, turn, machines, next: told.next, records: [...known.records, ...fresh].slice(0, MAX_RECORDS) };
}
