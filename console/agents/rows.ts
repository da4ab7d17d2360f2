import type { AgentRow, HostAgent } from '../../client/browser.ts';

/** An agent as the page lists it: known or attached (`spec`), told of by a connection or itself (`said`), or both. */
export interface ListedAgent {
  id: string;
  row: AgentRow | undefined;
  said: HostAgent | undefined;
}

/** What `switchboard attach` and `serve --attach` say of a program that they have joined, where it is that. */
export interface AttachedProgram {
  state: string;
  reason?: string;
  /** What it is: a program's name and version, a model. */
  what?: string;
  mode?: string;
  processes: readonly number[];
  /** The end of what it has written to its error output. */
  lastWords?: string;
}

/** Every agent that there is in any sense: those that are attached first, then those that are known, then those that are only told of. */
export function listAgents(rows: readonly AgentRow[], said: ReadonlyMap<string, HostAgent>): ListedAgent[] {
  const known = new Set(rows.map(({ spec }) => spec.id));
  const toldOf = [...said.values()].filter(({ id }) => !known.has(id));
  return [
    ...rows.map((row) => ({ id: row.spec.id, row, said: said.get(row.spec.id) })),
    ...toldOf.map((agent) => ({ id: agent.id, row: undefined, said: agent })),
  ];
}

/** The broker at which it is attached, or that has what was said of it; undefined where there is one alone. */
export const brokerOf = ({ row, said }: ListedAgent): string | undefined => row?.broker ?? said?.broker;

/** The program behind an agent, where it says so. What is not as it should be is left out: any agent may write anything there. */
export function programOf(said: HostAgent | undefined): AttachedProgram | undefined {
  const { state, reason, what, mode, processes, last_words: words } = Object(said?.metadata.attached);
  if (typeof state !== 'string') return undefined;
  return {
    state,
    processes: Array.isArray(processes) ? processes.filter((pid) => Number.isSafeInteger(pid)) : [],
    ...(typeof reason === 'string' && { reason }),
    ...(typeof what === 'string' && { what }),
    ...(typeof mode === 'string' && { mode }),
    ...(typeof words === 'string' && words !== '' && { lastWords: words }),
  };
}
