import type { AgentRow, Host, SessionRow } from '../../client/browser.ts';
import type { RecordedTurn } from '../../protocol/recording.ts';
import { visibleLine } from '../../protocol/visible.ts';
import { NEW } from '../agents/new.ts';
import type { Tab } from '../app.tsx';
import { go } from '../route.ts';
import { retryNow, signOut } from '../session.ts';
import type { Findable } from './fuzzy.ts';

/** Something that the palette leads to. */
export interface Entry extends Findable {
  key: string;
  kind: 'page' | 'agent' | 'turn' | 'command' | 'method';
  /** Goes there, or does it. */
  run(): void;
}

/** Agents that are looked through: those that are attached come first, and their page finds any. */
const MAX_AGENTS = 2_000;
/** Turns of before that are asked for. */
const MAX_TURNS = 200;

/** The pages of the console. */
export const pageEntries = (tabs: readonly Tab[]): Entry[] =>
  tabs.map(({ path, title }) => ({ key: `page ${path}`, kind: 'page', title, run: () => go(path) }));

/** What can be done from everywhere. */
export const COMMANDS: readonly Entry[] = [
  { key: 'add-agent', kind: 'command', title: 'Add an agent', run: () => go('agents', NEW) },
  { key: 'make-key', kind: 'command', title: 'Make a key', hint: 'new', run: () => go('keys') },
  { key: 'chat', kind: 'command', title: 'Chat with an agent', hint: 'playground', run: () => go('chat') },
  { key: 'call', kind: 'command', title: 'Call a method', hint: 'request rpc', run: () => go('methods') },
  { key: 'connect', kind: 'command', title: 'Connect now', hint: 'retry', run: retryNow },
  { key: 'sign-out', kind: 'command', title: 'Sign out', hint: 'leave', run: signOut },
];

/** Agents, those that are attached first. */
export const agentEntries = (rows: readonly AgentRow[]): Entry[] =>
  rows
    .toSorted((one, other) => Number(other.attached) - Number(one.attached))
    .slice(0, MAX_AGENTS)
    .map(({ spec: { id, name }, attached }) => ({
      key: `agent ${id}`,
      kind: 'agent',
      title: visibleLine(id),
      hint: `${name === id ? '' : `${visibleLine(name)} · `}${attached ? 'attached' : 'not attached'}`,
      run: () => go('agents', id),
    }));

/** The methods that have a form. */
export const methodEntries = (methods: readonly { name: string; summary: string }[]): Entry[] =>
  methods.map(({ name, summary }) => ({
    key: `method ${name}`,
    kind: 'method',
    title: name,
    hint: summary.replaceAll('`', ''),
    run: () => go('methods', name),
  }));

/**
 * The turns that can be opened: those that are kept, where the daemon keeps them and there is a page for them, else those
 * that are live, each with its chart.
 */
export async function turnEntries(host: Host, hasRuns: boolean): Promise<Entry[]> {
  if (hasRuns) {
    try {
      const answer = await host.request('inspect.turns', { limit: MAX_TURNS });
      return (answer as { turns: RecordedTurn[] }).turns.map(({ turn_id, agent_id, prompt, state }) =>
        turnEntry('runs', turn_id, `${visibleLine(agent_id)}: ${visibleLine(prompt)}`, state),
      );
    } catch {
      // It keeps none.
    }
  }
  const live = await host.sessions();
  return live
    .slice(0, MAX_TURNS)
    .map(({ turn_id, agent_id, session_id, status }: SessionRow) =>
      turnEntry('charts', turn_id, `${visibleLine(agent_id)}: ${visibleLine(session_id)}`, status),
    );
}

function turnEntry(page: string, id: string, title: string, state: string): Entry {
  return { key: `turn ${id}`, kind: 'turn', title, hint: `${state} · ${visibleLine(id)}`, run: () => go(page, id) };
}
