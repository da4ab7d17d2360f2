import { allStates, type Chart, type ChartState, type ChartTransition } from './chart.ts';

/** How long a line of a note may get before it goes on in the next. */
const NOTE_WIDTH = 30;

/** A chart as a Mermaid `stateDiagram-v2`. What leaves the state as it is, is left to the table below it. */
export function mermaid(chart: Chart): string {
  const lines = [
    'stateDiagram-v2',
    `  [*] --> ${chart.initial}`,
    ...chart.states.flatMap((state) => inner(state, '  ')),
  ];
  const states = allStates(chart);
  for (const { path, transitions } of states) {
    // One arrow for each pair of states: several between the same two would lie on each other.
    const arrows = new Map<string, ChartTransition[]>();
    for (const transition of transitions) {
      const { target } = transition;
      if (target !== undefined) arrows.set(target, [...(arrows.get(target) ?? []), transition]);
    }
    for (const [target, group] of arrows) lines.push(`  ${idOf(path)} --> ${idOf(target)} : ${label(group)}`);
  }
  for (const { path, isFinal } of states) if (isFinal) lines.push(`  ${idOf(path)} --> [*]`);
  for (const { path, description, isFinal } of states) {
    // A final's description stands in the table: that many notes would push the picture apart.
    if (!description || isFinal) continue;
    lines.push(`  note right of ${idOf(path)}`, ...wrap(description).map((line) => `    ${line}`), '  end note');
  }
  return lines.join('\n');
}

/** What Mermaid knows a state by: its ids are one for the whole picture. */
export function idOf(path: string): string {
  return path.replaceAll('.', '_');
}

/** A state with others inside it; Mermaid learns of the rest from their arrows. */
function inner({ path, name, isParallel, initial, states }: ChartState, indent: string): string[] {
  const named = path === name ? [] : [`${indent}state "${name}" as ${idOf(path)}`];
  if (states.length === 0) return named;
  const regions = states.map((state) => inner(state, `${indent}  `));
  const first = initial === undefined ? [] : [`${indent}  [*] --> ${idOf(`${path}.${initial}`)}`];
  const body = isParallel
    ? regions.flatMap((region, index) => (index === 0 ? region : [`${indent}  --`, ...region]))
    : [...first, ...regions.flat()];
  return [...named, `${indent}state ${idOf(path)} {`, ...body, `${indent}}`];
}

/** `event [guard] / actions` for an arrow that stands for one transition; for more of them, their events and guards. */
function label(group: readonly ChartTransition[]): string {
  const triggers = group.map(({ event, guard }) => (guard ? `${event} [${guard}]` : event));
  const [only, ...others] = group;
  if (!only || others.length > 0 || only.actions.length === 0) return triggers.join('<br/>');
  const [first, ...more] = only.actions;
  return `${triggers[0]} / ${first}${more.length > 0 ? ' …' : ''}`;
}

function wrap(text: string): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + 1 + word.length > NOTE_WIDTH) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}
