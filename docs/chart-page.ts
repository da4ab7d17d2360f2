import type { AnyStateMachine } from 'xstate';
import { allStates, type Chart, readChart } from './chart.ts';
import { code, markdownTable } from './markdown.ts';
import { mermaid } from './mermaid.ts';

/** A machine's picture, and every transition of it in full. */
export function chartSection(machine: AnyStateMachine): string {
  const chart = readChart(machine);
  return [
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
