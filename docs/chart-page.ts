import type { AnyStateMachine } from 'xstate';
import { allStates, type Chart, readChart } from './chart.ts';
import { code, markdownTable } from './markdown.ts';
import { mermaid } from './mermaid.ts';
import { openingComment } from './source-comments.ts';

/** Where a machine is written: the file has its name. */
export function machinePath({ id }: AnyStateMachine): string {
  return `machines/${words(id).join('-')}.machine.ts`;
}

/**
 * All about a machine: what it is, by the comment that its source begins with; its picture; and every transition of it in full.
 * @throws {Error} where the source does not say what it is, or the chart holds more than names.
 */
export function chartSection(machine: AnyStateMachine, source: string): string {
  const chart = readChart(machine);
  const path = machinePath(machine);
  const title = words(machine.id).join(' ');
  const about = openingComment(source)?.replace('of the wire contract', 'of [protocol.md](protocol.md)');
  if (about === undefined) throw new Error(`${path} has no comment that says what it is`);
  return [
    `## ${title.charAt(0).toUpperCase()}${title.slice(1)}`,
    '',
    `${about} Source: [\`${path}\`](../${path}).`,
    '',
    '```mermaid',
    mermaid(chart),
    '```',
    '',
    finalTable(chart),
    '',
    '<details><summary>Every transition, with its actions</summary>',
    '',
    transitionTable(chart),
    '',
    '</details>',
  ].join('\n');
}

/** `voiceStream`: voice, stream. */
function words(id: string): string[] {
  return id.split(/(?=[A-Z])/).map((word) => word.toLowerCase());
}

function finalTable(chart: Chart): string {
  const rows = allStates(chart)
    .filter(({ isFinal }) => isFinal)
    .map(({ name, description = '', entry }) => [code(name), description, names(entry)]);
  return markdownTable(['Final state', '', 'On entry'], rows);
}

function transitionTable(chart: Chart): string {
  const { entry: onStart, exit: onEnd } = chart;
  const rows = allStates(chart).flatMap(({ path, entry, exit, transitions }) => [
    ...(entry.length > 0 ? [[code(path), '*on entry*', '', names(entry), '']] : []),
    ...transitions.map(({ event, guard, actions, target }) => [
      code(path),
      code(event),
      guard ? code(guard) : '',
      names(actions),
      target ? code(target) : 'stays',
    ]),
    ...(exit.length > 0 ? [[code(path), '*on exit*', '', names(exit), '']] : []),
  ]);
  if (onStart.length > 0) rows.unshift(['*the whole*', '*on entry*', '', names(onStart), '']);
  if (onEnd.length > 0) rows.push(['*the whole*', '*on exit*', '', names(onEnd), '']);
  return markdownTable(['State', 'Event', 'If', 'Actions', 'Goes to'], rows);
}

function names(actions: readonly string[]): string {
  return actions.map(code).join(', ');
}
