import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { AnyStateMachine } from 'xstate';
import { charts } from '../actors/families.ts';
import { chartSection, machinePath } from './chart-page.ts';
import { closeCodeTable, errorTable, limitTable } from './code-tables.ts';
import { eventTable, voiceEventTable } from './event-table.ts';
import { flagTable } from './flag-table.ts';
import { methodOverview, methodSections, methodTables } from './method-tables.ts';
import { fillRegions } from './regions.ts';
import { memberComments } from './source-comments.ts';
import { recordFrames } from './walkthrough.ts';

/** The package's directory. Asked for by name, because the sources and the built files lie at different depths. */
export const ROOT = dirname(createRequire(import.meta.url).resolve('switchboard/package.json'));

/** Every machine, by its id. */
export const MACHINES: Readonly<Record<string, AnyStateMachine>> = Object.fromEntries(
  charts.map(({ machine }) => [machine.id, machine]),
);

/** The pages that have generated parts, by path from {@link ROOT}, as they should be. */
export async function renderPages(): Promise<ReadonlyMap<string, string>> {
  const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
  const protocol = new Map([
    ['errors', errorTable()],
    ['close-codes', closeCodeTable(memberComments(read('protocol/close-codes.ts')))],
    ['limits', limitTable(memberComments(read('protocol/limits.ts')))],
    ['events', eventTable()],
    ['voice-events', voiceEventTable()],
    ['methods', methodOverview()],
    ...methodSections().map((section) => [`methods-${section}`, methodTables(section)] as const),
    ...(await recordFrames()),
  ]);
  const sections = Object.values(MACHINES).map((machine) => chartSection(machine, read(machinePath(machine))));
  const readme = new Map([
    ['flags', flagTable()],
    ['example-agent', `\`\`\`ts\n${read('examples/agent.ts').trim()}\n\`\`\``],
  ]);
  const pages = [
    ['docs/protocol.md', protocol],
    ['docs/statecharts.md', new Map([['charts', sections.join('\n\n')]])],
    ['README.md', readme],
  ] as const;
  return new Map(pages.map(([path, contents]) => [path, fillRegions(read(path), contents)]));
}
