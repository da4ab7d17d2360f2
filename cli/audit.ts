import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { visibleLine } from '../protocol/visible.ts';
import { UNITS } from './duration.ts';
import { CliError, Exit } from './exit.ts';
import { type Io, tell } from './io.ts';
import { Output } from './output.ts';

interface KeyFlags {
  keyFile?: string;
  home?: string;
}
interface VerifyFlags extends KeyFlags {
  log?: string[];
  json?: boolean;
}
interface ShowFlags {
  who?: string;
  what?: string;
  on?: string;
  since?: number;
  json?: boolean;
}

/** `switchboard audit …`: the files that `--audit` writes. No daemon is asked: it is not who is to be believed. */
export function addAudit(program: Command, io: Io): void {
  const audit = program.command('audit').description('check and read what --audit has written');
  audit
    .command('verify')
    .description('whether every record is as it was made, and none is missing; exit status 1 where not')
    .argument('<files...>', 'the files of one audit, the oldest first')
    .option('--key-file <file>', "the daemon's --audit-key-file (default: audit.key in its state directory)")
    .option('--home <dir>', "the daemon's state directory (default: $SWITCHBOARD_HOME or ~/.switchboard)")
    .option('--log <file...>', "the daemon's logs, JSON: their checkpoints show whether the end was cut off")
    .option('--json', 'the verdict as JSON')
    .action((files: string[], flags: VerifyFlags) => verify(io, files, flags));
  audit
    .command('show')
    .description('records, a line each, without checking them')
    .argument('<files...>')
    .option('--who <sub>', 'of this principal, or broker, or program')
    .option('--what <name>', 'of this name, or below it: turn, turn.open')
    .option('--on <id>', 'of this agent, turn, tool or approval')
    .option('--since <time>', 'not before: 2026-01-31T08:00Z, or 90s, 15m, 24h, 7d ago', toTime)
    .option('--json', 'as they stand in the file')
    .action((files: string[], flags: ShowFlags) => show(io, files, flags));
}

async function verify(io: Io, files: string[], { keyFile, home, log, json }: VerifyFlags): Promise<void> {
  // Loaded here, because no other command needs it.
  const [{ findHome }, { readAuditKey }, { readCheckpoints, verifyTrail }] = await Promise.all([
    import('../client/node.ts'),
    import('../audit/key.ts'),
    import('../audit/verify.ts'),
  ]);
  const keyPath = keyFile ?? join(findHome(home === undefined ? { env: io.env } : { env: io.env, home }), 'audit.key');
  const key = orMissing(() => readAuditKey(keyPath), `there is no key ${keyPath}; name the daemon's with --key-file`);
  const checkpoints = (await Promise.all((log ?? []).map((path) => readCheckpoints(path)))).flat();
  const verdict = await verifyTrail(files, { key, checkpoints });
  const { fault, records, first, last, met, notes } = verdict;
  const out = new Output(io.stdout);
  if (json) await out.write(`${JSON.stringify(verdict)}\n`);
  else {
    for (const note of notes) tell(io, visibleLine(note));
    if (log && checkpoints.length === 0) tell(io, 'the log has no checkpoint in it');
    if (!fault) {
      const range = records === 0 ? '' : `, ${first} to ${last}`;
      const agreed = log ? `; they agree with ${met} of the log's checkpoints` : '';
      await out.write(`ok: ${records} records${range}${agreed}\n`);
    }
  }
  if (!fault) return;
  const where = fault.line === undefined ? fault.file : `${fault.file}:${fault.line}`;
  throw new CliError(
    Exit.Failed,
    visibleLine(`${where}: ${fault.why} (${records} records before it are as they were made)`),
  );
}

/** What `read` gives; where there is no such file, these words say it. @throws {CliError} */
function orMissing<T>(read: () => T, words: string): T {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new CliError(Exit.Failed, visibleLine(words));
  }
}

async function show(io: Io, files: string[], { json, ...wanted }: ShowFlags): Promise<void> {
  const [{ linesOf }, { MAX_LINE_BYTES }] = await Promise.all([
    import('../audit/lines.ts'),
    import('../audit/file.ts'),
  ]);
  const out = new Output(io.stdout);
  let unreadable = 0;
  for (const file of files) {
    for await (const { bytes } of linesOf(file, MAX_LINE_BYTES)) {
      if (out.broken.aborted) return;
      const text = bytes.toString('utf8');
      const record = toRecord(text);
      if (!record) unreadable += 1;
      else if (isWanted(record, wanted)) await out.write(`${json ? text : lineOf(record)}\n`);
    }
  }
  if (unreadable > 0) tell(io, `${unreadable} lines are no records; check them with: switchboard audit verify`);
}

type Shown = Record<string, unknown>;

function toRecord(text: string): Shown | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Shown) : undefined;
  } catch {
    return undefined;
  }
}

function isWanted(record: Shown, { who, what, on, since }: ShowFlags): boolean {
  if (who !== undefined && record.who !== who) return false;
  if (what !== undefined && record.what !== what && !String(record.what).startsWith(`${what}.`)) return false;
  if (on !== undefined && record.on !== on) return false;
  return since === undefined || Date.parse(String(record.at)) >= since;
}

/** Time, who, what and how, then what else there is. */
function lineOf({ n: _n, prev: _prev, mac: _mac, sig: _sig, ...record }: Shown): string {
  const { at, tenant, who, what, outcome, on, ip, conn, data, trace } = record;
  const person = who === undefined ? '-' : tenant === undefined || tenant === 'default' ? who : `${tenant}/${who}`;
  const rest = { ip, conn, trace, ...(typeof data === 'object' ? data : {}) };
  const more = Object.entries(rest).flatMap(([name, value]) => (value === undefined ? [] : `${name}=${value}`));
  return visibleLine([at, person, what, outcome, on ?? '-', ...more].join('  '));
}

/** Unix milliseconds. */
function toTime(text: string): number {
  const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const time = count === undefined ? Date.parse(text) : Date.now() - Number(count) * (UNITS[unit] ?? 0);
  if (Number.isNaN(time))
    throw new InvalidArgumentError('it takes a time such as 2026-01-31T08:00Z, or 90s, 15m, 24h, 7d');
  return time;
}
