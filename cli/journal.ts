import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { isObject } from '../protocol/json.ts';
import { visibleLine } from '../protocol/visible.ts';
import type { JournalReport } from '../turn-journal/report.ts';
import { defaultList } from './default-list.ts';
import { CliError, Exit } from './exit.ts';
import { type Io, tell } from './io.ts';
import { Output } from './output.ts';
import { table } from './table.ts';

interface Flags {
  home?: string;
  json?: boolean;
}

/** What several journals hold. */
type Report = Omit<JournalReport, 'torn'> & { torn: NonNullable<JournalReport['torn']>[] };

/**
 * `switchboard journal …`: what `--durable` keeps of turns. It is read from the disk, whether a daemon runs or not, and never
 * changed; of what was said in them nothing is shown.
 */
export function addJournal(program: Command, io: Io): void {
  const journal = program.command('journal').description('look into what --durable keeps of chats that may be resumed');
  const home = "the daemon's state directory (default: $SWITCHBOARD_HOME or ~/.switchboard)";
  defaultList(journal)
    .description('the turns that are in it, and where each stands (the default)')
    .option('--home <dir>', home)
    .option('--json', 'the same as JSON')
    .action((flags: Flags) => list(io, flags));
  journal
    .command('verify')
    .description('whether all of it can be read; exit status 1 where not, with the file and the byte')
    .option('--home <dir>', home)
    .option('--json', 'the verdict as JSON')
    .action((flags: Flags) => verify(io, flags));
}

const HEADING = ['TURN', 'SESSION', 'AGENT', 'STATUS', 'EVENTS', 'OPENED'];

async function list(io: Io, flags: Flags): Promise<void> {
  const report = await read(io, flags);
  const rows = report.turns.map(rowOf);
  const out = new Output(io.stdout);
  if (flags.json) await out.write(`${JSON.stringify({ turns: rows, damaged: report.damaged })}\n`);
  else if (rows.length === 0) tell(io, 'no turns');
  else {
    const cells = rows.map((row) => [row.turn, row.session, row.agent, row.status, String(row.events), row.opened]);
    await out.write(table([HEADING, ...cells.map((row) => row.map((cell) => visibleLine(cell ?? '-')))]));
  }
  refuseDamaged(report);
}

async function verify(io: Io, flags: Flags): Promise<void> {
  const report = await read(io, flags);
  const { files, turns, blocks, records, damaged, torn } = report;
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const out = new Output(io.stdout);
  if (flags.json) {
    const [first] = torn;
    const verdict = {
      ok: damaged.length === 0,
      files,
      bytes,
      turns: turns.length,
      blocks,
      records,
      damaged,
      torn: first,
    };
    await out.write(`${JSON.stringify(verdict)}\n`);
  } else {
    for (const { file, offset } of torn)
      tell(
        io,
        visibleLine(
          `${file}: its last block is unfinished (at byte ${offset}), as a crash leaves it, or a daemon that is writing`,
        ),
      );
    if (damaged.length === 0)
      await out.write(
        `ok: ${turns.length} turns, ${records} records in ${blocks} blocks, ${files.length} files, ${bytes} bytes\n`,
      );
  }
  refuseDamaged(report);
}

/** What helps, whichever file it is. */
const REMEDY =
  'put a copy from before in its place, or start the daemon once with --journal-repair, which loses what cannot be read';

/** @throws {CliError} that names each file, and where in it */
function refuseDamaged({ damaged }: Report): void {
  if (damaged.length === 0) return;
  const places = damaged.map(({ file, offset }) => `${file}: damaged, or a part of it is missing (at byte ${offset})`);
  throw new CliError(Exit.Failed, [...places, REMEDY].map(visibleLine).join('\n'));
}

/** All journals of a home as one: the daemon's, and those of its further workers (`--workers`). */
async function read(io: Io, { home }: Flags): Promise<Report> {
  // Loaded here, because no other command needs it.
  const [{ findHome }, { reportJournal }] = await Promise.all([
    import('../client/node.ts'),
    import('../turn-journal/report.ts'),
  ]);
  const place = findHome(home === undefined ? { env: io.env } : { env: io.env, home });
  const directory = join(place, 'journal');
  try {
    const reports = [await reportJournal(directory)];
    for (const worker of workersOf(place)) reports.push(await reportJournal(worker));
    const sum = (name: 'blocks' | 'records') => reports.reduce((all, report) => all + report[name], 0);
    return {
      files: reports.flatMap(({ files }) => files),
      turns: reports.flatMap(({ turns }) => turns),
      blocks: sum('blocks'),
      records: sum('records'),
      damaged: reports.flatMap(({ damaged }) => damaged),
      torn: reports.flatMap(({ torn }) => torn ?? []),
    };
  } catch (error) {
    const { code, message, path } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' || path !== directory) throw new CliError(Exit.Failed, visibleLine(message));
    throw new CliError(
      Exit.Failed,
      visibleLine(`there is no journal ${directory}; name the daemon's state directory with --home`),
    );
  }
}

/** Where workers other than the first have theirs. @throws a system error */
function workersOf(home: string): string[] {
  const directory = join(home, 'workers');
  if (!existsSync(directory)) return [];
  const journals = readdirSync(directory).map((id) => join(directory, id, 'journal'));
  return journals.filter((journal) => existsSync(journal)).sort();
}

/** Of its facts, what a person can look for. */
function rowOf({ facts, seq, hasTerminal, ended, notes }: JournalReport['turns'][number]) {
  const known = isObject(facts) ? facts : {};
  const text = (name: string) => (typeof known[name] === 'string' ? known[name] : undefined);
  const { created_at: at, owner } = known;
  const status = ended?.ending ?? (hasTerminal ? 'ended' : notes.has('cancel') ? 'cancelling' : 'live');
  return {
    turn: text('id'),
    session: text('session_id'),
    agent: text('agent_id'),
    tenant: isObject(owner) && typeof owner.tenant === 'string' ? owner.tenant : undefined,
    status,
    events: seq,
    opened: typeof at === 'number' ? new Date(at).toISOString() : undefined,
  };
}
