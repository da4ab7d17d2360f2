import { ErrorCode, type Host, RpcError } from '../../client/browser.ts';
import type { SessionRow } from '../../protocol/chat.ts';
import type { RecordedEvent, RecordedTurn } from '../../protocol/recording.ts';

/** What the daemon has of a turn beside an approval of it. */
export type TurnWords =
  /** From its record. `last`: how its answer ends by now; `isCut`: it goes on, or has begun, beyond what is here. */
  | { kind: 'recorded'; turn: RecordedTurn; last: string; isCut: boolean }
  /** It keeps no record of it: what it says of turns that run, where this one still does. */
  | { kind: 'live'; row: SessionRow | undefined; why: string }
  | { kind: 'failed'; problem: string };

/** How much of the answer is shown, its end. Characters. */
const MAX_LAST = 1_200;
/** Messages that are asked for of one record. */
const MAX_PAGES = 8;

/**
 * Asks for what a turn is about and has said (`inspect.turn`, else `agents.chat.sessions`). Never rejects.
 * @param signal nobody wants to know any more: it asks for no further message, and what it gives is not whole.
 */
export async function askWords(host: Pick<Host, 'request'>, turnId: string, signal?: AbortSignal): Promise<TurnWords> {
  try {
    return await askRecord(host, turnId, signal);
  } catch (error) {
    const why = whyNone(error);
    if (why === undefined) return { kind: 'failed', problem: error instanceof Error ? error.message : String(error) };
    try {
      const { sessions } = await host.request('agents.chat.sessions', {});
      return { kind: 'live', row: sessions.find(({ turn_id }) => turn_id === turnId), why };
    } catch {
      return { kind: 'live', row: undefined, why };
    }
  }
}

async function askRecord(host: Pick<Host, 'request'>, turnId: string, signal?: AbortSignal): Promise<TurnWords> {
  const tail = new Tail();
  let after: number | undefined;
  for (let pages = 1; ; pages += 1) {
    const params = { turn_id: turnId, ...(after === undefined ? {} : { after }) };
    const log = await host.request('inspect.turn', params);
    tail.take(log.records);
    after = log.next;
    if (log.more !== true || pages === MAX_PAGES || signal?.aborted)
      return { kind: 'recorded', turn: log.turn, last: tail.text, isCut: tail.isCut || log.more === true };
  }
}

/** The end of what a turn has said: runs of text, a line apart where something else was between them. */
export class Tail {
  text = '';
  isCut = false;
  #isApart = false;

  take(records: readonly RecordedEvent[]): void {
    for (const record of records) {
      if (record.type !== 'text') {
        this.#isApart ||= this.text !== '';
        continue;
      }
      const whole = `${this.text}${this.#isApart ? '\n' : ''}${record.text}${record.cut === undefined ? '' : '…'}`;
      this.#isApart = false;
      this.isCut ||= whole.length > MAX_LAST || record.cut !== undefined;
      this.text = whole.slice(-MAX_LAST);
    }
  }
}

/** Why there is no record, where the daemon has said that there is none. */
function whyNone(error: unknown): string | undefined {
  if (!(error instanceof RpcError)) return undefined;
  switch (error.code) {
    case ErrorCode.MethodNotFound:
      return 'This daemon keeps no record of its turns, so their prompts are not here.';
    case ErrorCode.NotFound:
      return 'Of this turn no record is kept any more.';
    default:
      return undefined;
  }
}
