import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { AnyStateMachine } from 'xstate';
import { charts } from '../actors/families.ts';
import { peerLinkMachine } from '../machines/peer-link.machine.ts';
import { chartSection, machinePath } from './chart-page.ts';
import { closeCodeTable, errorTable, limitTable } from './code-tables.ts';
import { brokerEventTable, eventTable, voiceEventTable } from './event-table.ts';
import { flagTable } from './flag-table.ts';
import { methodOverview, methodSections, methodTables } from './method-tables.ts';
import { fillRegions } from './regions.ts';
import { memberComments } from './source-comments.ts';
import { recordFrames } from './walkthrough.ts';
import { WIRE_SCHEMA, wireSchema } from './wire-schema.ts';

/** The package's directory. Asked for by name, because the sources and the built files lie at different depths. */
export const ROOT = dirname(createRequire(import.meta.url).resolve('switchboard/package.json'));

/** Every machine, by its id. */
export const MACHINES: Readonly<Record<string, AnyStateMachine>> = Object.fromEntries(
  charts.map(({ machine }) => [machine.id, machine]),
);

/** The pages that have generated parts, and what is generated as a whole, by path from {@link ROOT}, as they should be. */
export async function renderPages(): Promise<ReadonlyMap<string, string>> {
  const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
  const protocol = new Map([
    ['errors', errorTable()],
    ['close-codes', closeCodeTable(memberComments(read('protocol/close-codes.ts')))],
    ['limits', limitTable(memberComments(read('protocol/limits.ts')))],
    ['events', eventTable()],
    ['broker-events', brokerEventTable()],
    ['voice-events', voiceEventTable()],
    ['methods', methodOverview()],
    ...methodSections().map((section) => [`methods-${section}`, methodTables(section)] as const),
    ...(await recordFrames()),
  ]);
  const sections = Object.values(MACHINES).map((machine) => chartSection(machine, read(machinePath(machine))));
  /** A file, whole, as a block of the language that its name says. */
  const example = (name: string): [string, string] => {
    const source = read(`examples/${name}`).trim();
    return [`example:${name}`, `\`\`\`${name.slice(name.lastIndexOf('.') + 1)}\n${source}\n\`\`\``];
  };
  const pages: [path: string, contents: Map<string, string>][] = [
    ['docs/protocol.md', new Map([...protocol, example('agent.py')])],
    ['docs/statecharts.md', new Map([['charts', sections.join('\n\n')]])],
    ['docs/cluster.md', new Map([['peer-link', chartSection(peerLinkMachine, read(machinePath(peerLinkMachine)))]])],
    ['docs/flags.md', new Map([['flags', flagTable()]])],
    ['docs/web.md', new Map([example('web-app/server.js'), example('react/app.tsx')])],
    [
      'docs/fronts.md',
      new Map([
        example('openai.mjs'),
        example('openai-python.py'),
        example('use-chat/app.tsx'),
        example('ag-ui.mjs'),
        example('zed-settings.json'),
        example('a2a.mjs'),
      ]),
    ],
    ['docs/voice.md', new Map([example('meeting.ts')])],
    ['docs/surfaces.md', new Map([example('a2a-agent.js')])],
    ['README.md', new Map([example('agent.ts'), example('page/index.html')])],
  ];
  const rendered = new Map(pages.map(([path, contents]) => [path, fillRegions(read(path), contents)]));
  return rendered.set(WIRE_SCHEMA, wireSchema());
}
