import { ErrorCode, type Host, RpcError } from '../../client/browser.ts';
import type {
  RecordedTurnAsked,
  RecordedTurnLog,
  RecordedTurns,
  RecordedTurnsAsked,
} from '../../protocol/recording.ts';
import type { TurnQuery } from './query.ts';

/** Parameters of `inspect.turns`, but for the page. */
export type Params = TurnQuery['params'];

/** A page of recorded turns. */
export function askTurns(host: Host, params: RecordedTurnsAsked): Promise<RecordedTurns> {
  return host.request('inspect.turns', params) as Promise<RecordedTurns>;
}

/** What was recorded of one turn. */
export function askTurn(host: Host, params: RecordedTurnAsked): Promise<RecordedTurnLog> {
  return host.request('inspect.turn', params) as Promise<RecordedTurnLog>;
}

/** Why the daemon tells nothing. `off`: it does not record. */
export type Trouble = 'off' | { problem: string };

/** What a refusal means; that a connection was lost is said elsewhere. */
export function troubleOf(error: unknown): Trouble | undefined {
  if (!(error instanceof RpcError)) return undefined;
  return error.code === ErrorCode.MethodNotFound ? 'off' : { problem: error.message };
}
