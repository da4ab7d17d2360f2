import type { Chart, ChartTransition } from './chart.ts';

/** How long a line of a note may get before it goes on in the next. */
const NOTE_WIDTH = 30;

/** A chart as a Mermaid `stateDiagram-v2`. What leaves the state as it is, is left to the table below it. */
export function mermaid({ initial, states }: Chart): string {
  const lines = ['stateDiagram-v2', `  [*] --> ${initial}`];
  for (const { name, transitions } of states) {
    // One arrow for each pair of states: several between the same two would lie on each other.
    const arrows = new Map<string, ChartTransition[]>();
    for (const transition of transitions) {
      const { target } = transition;
      if (target !== undefined) arrows.set(target, [...(arrows.get(target) ?? []), transition]);
    }
    for (const [target, group] of arrows) lines.push(`  ${name} --> ${target} : ${label(group)}`);
  }
  for (const { name, isFinal } of states) if (isFinal) lines.push(`  ${name} --> [*]`);
  for (const { name, description, isFinal } of states) {
    // A final's description stands in the table: that many notes would push the picture apart.
    if (!description || isFinal) continue;
    lines.push(`  note right of ${name}`, ...wrap(description).map((line) => `    ${line}`), '  end note');
  }
  return lines.join('\n');
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
