import type { Command } from 'commander';
import type { SurfaceRow } from '../client/node.ts';
import { visibleLine } from '../protocol/visible.ts';
import { defaultList } from './default-list.ts';
import { CliError, Exit } from './exit.ts';
import { type Io, tell } from './io.ts';
import { Output } from './output.ts';
import { table } from './table.ts';
import { type ConnectionFlags, connectionFlags, jsonText, withHost } from './with-host.ts';

interface SurfaceFlags extends ConnectionFlags {
  json?: boolean;
}

/** `switchboard surfaces …`: what agents show. */
export function addSurfaces(program: Command, io: Io): void {
  const surfaces = program.command('surfaces').description('list surfaces, and look at one');
  connectionFlags(defaultList(surfaces))
    .description('every surface (the default)')
    .option('--json', "the daemon's answer as it is")
    .action((flags: SurfaceFlags) => list(io, flags));
  connectionFlags(surfaces.command('show'))
    .description('one surface whole, as JSON')
    .argument('<id>')
    .action((id: string, flags: ConnectionFlags) => show(io, id, flags));
}

async function list(io: Io, { json, ...flags }: SurfaceFlags): Promise<void> {
  const rows = await withHost(io, flags, (host) => host.surfaces.list());
  if (!json && rows.length === 0) tell(io, 'no surfaces');
  const text = json ? `${jsonText(rows)}\n` : rows.length > 0 ? table([HEADING, ...rows.map(cells)]) : '';
  await new Output(io.stdout).write(text);
}

const HEADING = ['ID', 'BELONGS TO', 'COMPONENTS', 'UPDATED', 'ACTIONS GO TO'];

function cells({ surfaceId, agentId, componentCount, updatedAt, owner }: SurfaceRow): string[] {
  const updated = new Date(updatedAt).toISOString();
  return [surfaceId, agentId ?? 'clients', String(componentCount), updated, owner?.endpoint ?? '-'].map(visibleLine);
}

async function show(io: Io, id: string, flags: ConnectionFlags): Promise<void> {
  const surface = await withHost(io, flags, (host) => host.surfaces.get(id));
  if (!surface) throw new CliError(Exit.Failed, `no such surface: ${visibleLine(id)}`);
  await new Output(io.stdout).write(`${jsonText(surface, 2)}\n`);
}
