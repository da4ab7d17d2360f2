import { ENDED_STATES, LIVE_STATES, RECORDED_STATES } from '../../protocol/recorded-states.ts';
import type { RecordedState, RecordedTurn } from '../../protocol/recording.ts';

/** Words for several states. */
export const GROUPS: Readonly<Record<string, readonly RecordedState[]>> = { live: LIVE_STATES, ended: ENDED_STATES };

/** Whether a turn has not ended. */
export const isLive = ({ ended_at }: RecordedTurn): boolean => ended_at === undefined;

/** How long a turn has taken, or has run by now. Milliseconds. @param now - on the broker's clock, Unix ms */
export const lasted = ({ started_at, ended_at }: RecordedTurn, now: number): number =>
  Math.max(0, (ended_at ?? now) - started_at);

/** Tokens a second, from the first to the last; undefined where there is no such time. */
export const rateOf = ({ tokens, streaming_ms: ms }: RecordedTurn): number | undefined =>
  ms === undefined || ms <= 0 || tokens < 2 ? undefined : (tokens - 1) / (ms / 1_000);

/** A field that is one of a few words, or a text of somebody's own. */
export interface WordField {
  /** For people. */
  about: string;
  /** Whether a turn is like that value. Without: only the daemon knows. */
  is?(turn: RecordedTurn, value: string): boolean;
  /** Why a value is none; undefined: it is one. */
  refuse?(value: string): string | undefined;
}

/** A field that is compared. */
export interface NumberField {
  about: string;
  /** How its number is typed. */
  unit: 'time' | 'number';
  /** Its number; undefined where a turn has none. @param now - on the broker's clock, Unix ms */
  of(turn: RecordedTurn, now: number): number | undefined;
}

const same = (one: string | undefined, other: string) => one?.toLowerCase() === other.toLowerCase();
const holds = (whole: string | undefined, part: string) => whole?.toLowerCase().includes(part.toLowerCase()) ?? false;
const isState = (word: string) => RECORDED_STATES.some((state) => state === word);

/** What a query can ask of a turn, by its name in the query. */
export const WORD_FIELDS: Readonly<Record<string, WordField>> = {
  agent: { about: 'the agent’s id', is: ({ agent_id }, value) => agent_id === value },
  state: {
    about: 'where it stands or how it ended; also live, ended',
    is: ({ state }, value) => state === value || (GROUPS[value]?.includes(state) ?? false),
    refuse: (value) =>
      isState(value) || Object.hasOwn(GROUPS, value)
        ? undefined
        : `There is no state “${value}”: ${[...RECORDED_STATES, ...Object.keys(GROUPS)].join(', ')}.`,
  },
  tool: { about: 'it called that tool', is: ({ tool_names }, value) => tool_names.includes(value) },
  error: {
    about: 'the code of its error, or a part of what it says; * for any',
    is: ({ error }, value) =>
      error !== undefined && (value === '*' || String(error.code) === value || holds(error.message, value)),
  },
  host: { about: 'a part of the id of the client that opened it', is: ({ host }, value) => holds(host, value) },
  session: { about: 'a part of its session’s id', is: ({ session_id }, value) => holds(session_id, value) },
  turn: { about: 'a part of its id', is: ({ turn_id }, value) => holds(turn_id, value) },
  principal: { about: 'whose it is', is: ({ principal }, value) => same(principal, value) },
  tenant: { about: 'whose: the tenant', is: ({ tenant = 'default' }, value) => same(tenant, value) },
  broker: { about: 'in a cluster: the broker that has recorded it', is: ({ broker }, value) => same(broker, value) },
  front: { about: 'by which front it came', is: ({ front = 'websocket' }, value) => same(front, value) },
};

/** See {@link WORD_FIELDS}. */
export const NUMBER_FIELDS: Readonly<Record<string, NumberField>> = {
  dur: { about: 'how long it took, or runs', unit: 'time', of: lasted },
  first: { about: 'until its first token', unit: 'time', of: ({ first_token_ms }) => first_token_ms },
  waited: { about: 'how long it waited for people', unit: 'time', of: ({ waited_ms }) => waited_ms },
  rate: { about: 'tokens a second', unit: 'number', of: rateOf },
  tokens: { about: 'how many tokens', unit: 'number', of: ({ tokens }) => tokens },
  tools: { about: 'how many tool calls', unit: 'number', of: ({ tools }) => tools },
  failed: { about: 'how many of them failed', unit: 'number', of: ({ tools_failed }) => tools_failed },
  approvals: { about: 'how many approvals', unit: 'number', of: ({ approvals }) => approvals },
};

/** Fields that are a moment. */
export const TIME_FIELDS: Readonly<Record<string, string>> = {
  since: 'began in the last 2h, or since 14:00, 2026-11-30, 2026-11-30T14:00',
  until: 'began before that',
};

/** The name of every field. */
export const FIELD_NAMES: readonly string[] = [
  ...Object.keys(WORD_FIELDS),
  ...Object.keys(NUMBER_FIELDS),
  ...Object.keys(TIME_FIELDS),
];
