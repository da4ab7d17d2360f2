import type { Command } from 'commander';
import type { SurfaceRow } from '../client/node.ts';
import { visibleLine } from '../protocol/visible.ts';
import { type Io, tell } from './io.ts';
import { Output } from './output.ts';
import { table } from './table.ts';
import { type ConnectionFlags, connectionFlags, withHost } from './with-host.ts';

interface SurfaceFlags extends ConnectionFlags {
  json?: boolean;
}

/** `switchboard surfaces …`: what agents show. */
export function addSurfaces(program: Command, io: Io): void {
  const surfaces = program.command('surfaces').description('list surfaces, and look at one');
  connectionFlags(surfaces.command('list', { isDefault: true }))
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
  const text = json ? `${JSON.stringify(rows)}\n` : rows.length > 0 ? table([HEADING, ...rows.map(cells)]) : '';
  await new Output(io.stdout).write(text);
}

const HEADING = ['ID', 'BELONGS TO', 'COMPONENTS', 'UPDATED', 'ACTIONS GO TO'];

function cells({ surfaceId, agentId, components, updatedAt, owner }: SurfaceRow): string[] {
  const updated = new Date(updatedAt).toISOString();
  return [surfaceId, agentId ?? 'clients', String(components), updated, owner?.endpoint ?? '-'].map(visibleLine);
}

async function show(io: Io, id: string, flags: ConnectionFlags): Promise<void> {
  const surface = await withHost(io, flags, (host) => host.surfaces.get(id));
  await new Output(io.stdout).write(`${JSON.stringify(surface, null, 2)}\n`);
}
