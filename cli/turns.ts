import { type Command, InvalidArgumentError } from 'commander';
import type { Host } from '../client/node.ts';
import { took } from '../protocol/durations.ts';
import { RECORDED_STATES } from '../protocol/recorded-states.ts';
import type { RecordedEvent, RecordedState, RecordedTurn, RecordedTurnLog } from '../protocol/recording.ts';
import { toOtlp } from '../protocol/recording-otlp.ts';
import { visibleLine } from '../protocol/visible.ts';
import { visibleAnswerLine } from '../protocol/visible-answer.ts';
import { withBroker } from './broker-column.ts';
import { duration } from './duration.ts';
import { CliError, Exit } from './exit.ts';
import { type Io, tell } from './io.ts';
import { Output } from './output.ts';
import { table } from './table.ts';
import { type ConnectionFlags, connectionFlags, jsonText, withHost } from './with-host.ts';

interface ListFlags extends ConnectionFlags {
  agent?: string;
  state?: RecordedState[];
  tool?: string;
  text?: string;
  since?: number;
  limit: number;
  json?: boolean;
}
interface ShowFlags extends ConnectionFlags {
  json?: boolean;
  otlp?: boolean;
}

const MOST_ROWS = 10_000;
/** Rows that are asked for at once. */
const PAGE = 1_000;
/** Characters of a cell that anybody may make as long as they like. */
const CELL = 40;

/** `switchboard turns` and `switchboard turn ID`: what the daemon has recorded. */
export function addTurns(program: Command, io: Io): void {
  connectionFlags(program.command('turns'), true)
    .description('recorded turns, live and ended, the newest first')
    .option('--agent <id>', 'of this agent')
    .option('--state <state...>', `that are, or ended, so, several with commas: ${RECORDED_STATES.join(', ')}`, states)
    .option('--tool <name>', 'that called this tool')
    .option('--text <words>', 'with these words in their prompt, answer or error, whatever the case')
    .option('--since <time>', 'that began so long ago at most: 90s, 15m, 12h, 30d', duration)
    .option('--limit <n>', 'so many at most', count, 20)
    .option('--json', "the daemon's rows as they are")
    .action((flags: ListFlags) => list(io, flags));
  connectionFlags(program.command('turn'), true)
    .description('what happened in one recorded turn')
    .argument('<id>', 'its id: switchboard turns lists them')
    .option('--json', "the daemon's records as they are")
    .option('--otlp', 'as OTLP JSON, which collectors take at /v1/traces')
    .action((id: string, flags: ShowFlags) => show(io, id, flags));
}

/** What is given of them, one behind the other. @throws {InvalidArgumentError} that says which there are */
function states(text: string, before: RecordedState[] = []): RecordedState[] {
  const known = text.split(',').map((word) => RECORDED_STATES.find((state) => state === word.trim()));
  if (known.every((state) => state !== undefined)) return [...before, ...known];
  throw new InvalidArgumentError(`It takes ${RECORDED_STATES.join(', ')}.`);
}

function count(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= MOST_ROWS) return value;
  throw new InvalidArgumentError(`It takes an integer from 1 to ${MOST_ROWS}.`);
}

async function list(io: Io, flags: ListFlags): Promise<void> {
  const { agent, state, tool, text, since, limit, json, ...connection } = flags;
  const query = {
    ...(agent === undefined ? {} : { agent }),
    ...(state === undefined ? {} : { state }),
    ...(tool === undefined ? {} : { tool }),
    ...(text === undefined ? {} : { text }),
    ...(since === undefined ? {} : { since: Date.now() - since }),
  };
  const rows = await withHost(io, { ...connection, management: true }, (host) => rowsOf(host, query, limit));
  if (!json && rows.length === 0) tell(io, 'no such turns are recorded');
  const brokers = rows.map(({ broker }) => broker);
  const cells = rows.length > 0 ? table(withBroker([HEADING, ...rows.map(cellsOf)], brokers, 3)) : '';
  await new Output(io.stdout).write(json ? `${jsonText(rows)}\n` : cells);
}

async function rowsOf(host: Host, query: object, limit: number): Promise<RecordedTurn[]> {
  const rows: RecordedTurn[] = [];
  let cursor: string | undefined;
  do {
    const page = await host.request('inspect.turns', {
      ...query,
      limit: Math.min(PAGE, limit - rows.length),
      ...(cursor === undefined ? {} : { cursor }),
    });
    rows.push(...page.turns);
    cursor = page.turns.length === 0 ? undefined : page.cursor;
  } while (cursor !== undefined && rows.length < limit);
  return rows;
}

const HEADING = ['TURN', 'STARTED', 'AGENT', 'STATE', 'TOOK', 'FIRST', 'TOKENS', 'TOOLS', 'WAITED', 'PROMPT OR ERROR'];

function cellsOf(turn: RecordedTurn): string[] {
  const { turn_id, started_at, ended_at, agent_id, state, first_token_ms, tokens, tools, tools_failed, error } = turn;
  return [
    turn_id,
    new Date(started_at).toISOString(),
    agent_id,
    state,
    ended_at === undefined ? 'live' : took(ended_at - started_at),
    first_token_ms === undefined ? '-' : took(first_token_ms),
    String(tokens),
    tools_failed === 0 ? String(tools) : `${tools} (${tools_failed} failed)`,
    turn.approvals === 0 ? '-' : took(turn.waited_ms),
    cut(error ? `${error.code}: ${error.message}` : turn.prompt),
  ].map(visibleLine);
}

const cut = (text: string) => (text.length > CELL ? `${text.slice(0, CELL - 1)}…` : text);

async function show(io: Io, id: string, { json, otlp, ...connection }: ShowFlags): Promise<void> {
  if (json && otlp) throw new CliError(Exit.Usage, '--json and --otlp exclude each other');
  const log = await withHost(io, { ...connection, management: true }, (host) => logOf(host, id));
  if (json || otlp) return new Output(io.stdout).write(`${jsonText(otlp ? toOtlp(log) : log)}\n`);
  const { turn } = log;
  const head = [
    `turn    ${turn.turn_id}`,
    `agent   ${turn.agent_id}, session ${turn.session_id}, by ${turn.principal ?? turn.host}`,
    ...(turn.broker === undefined ? [] : [`broker  ${turn.broker}`]),
    `began   ${new Date(turn.started_at).toISOString()}`,
    `state   ${turn.state}${turn.ended_at === undefined ? ', live' : ` after ${took(turn.ended_at - turn.started_at)}`}`,
    `prompt  ${turn.prompt}`,
    ...(turn.error ? [`error   ${turn.error.code}: ${turn.error.message}`] : []),
  ];
  const lines = [...head.map(visibleLine), '', ...table(eventRows(log)).split('\n')];
  await new Output(io.stdout).writeVisible(`${lines.join('\n').trimEnd()}\n`);
}

/** All of it, page by page. */
async function logOf(host: Host, turn_id: string): Promise<RecordedTurnLog> {
  const log = await host.request('inspect.turn', { turn_id });
  for (let { more, next } = log; more; ) {
    const page = await host.request('inspect.turn', { turn_id, after: next });
    log.records.push(...page.records);
    log.turn = page.turn;
    if (page.next <= next) break;
    ({ more, next } = page);
    log.next = next;
  }
  const { more: _all, ...whole } = log;
  return whole;
}

/** A line for each record: when, who hears from whom, what. */
function eventRows({ turn, actors, records }: RecordedTurnLog): string[][] {
  const names = new Map(actors.map(({ id, machine, label }) => [id, label ?? machine]));
  const name = (id: string | null) => (id === null ? 'outside' : (names.get(id) ?? id));
  const row = (record: RecordedEvent): string[] => {
    switch (record.type) {
      case 'text':
        return [
          name(record.actor),
          `${record.count} ${record.count === 1 ? 'token' : 'tokens'}: ${visibleAnswerLine(record.text)}`,
        ];
      case 'dropped':
        return ['', `${record.count} records had no room`];
      case 'event':
        return [`${name(record.from)} > ${name(record.actor)}`, `${record.event} ${cutJson(record.payload)}`];
      case 'transition':
        return [name(record.actor), `${record.previous.join(' ')} -> ${record.state.join(' ')}`];
      case 'ended':
        return [name(record.actor), `ended: ${record.state.join(' ')}`];
      case 'started':
        names.set(
          record.actor.id,
          record.actor.machine === 'turn' ? 'turn' : (record.actor.label ?? record.actor.machine),
        );
        return [name(record.actor.id), `${record.actor.machine} started`];
    }
  };
  return records.map((record) => [
    `${record.at < turn.started_at ? '-' : '+'}${took(Math.abs(record.at - turn.started_at))}`,
    ...row(record).map(visibleLine),
  ]);
}

function cutJson(payload: unknown): string {
  const text = jsonText(payload) ?? '';
  return text.length > 160 ? `${text.slice(0, 159)}…` : text;
}
