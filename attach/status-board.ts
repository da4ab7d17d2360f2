import type { Agent } from '../client/node.ts';
import type { HostAgent } from '../protocol/host.ts';
import type { AttachedStatus } from './attached.ts';

/** Between two reports to the broker. What changes meanwhile goes with the next. Milliseconds. */
const INTERVAL_MS = 1_000;

/** Longest text that is reported of a kind. Characters. */
const MAX_WORDS = 2_000;

/**
 * Says to the broker how an attached agent stands: by `host.register_agent`, which an agent may do of itself, so that no
 * host token is needed, and what is said goes with the connection.
 */
export class StatusBoard {
  readonly #name: string;
  #agent: Agent | undefined;
  #status: AttachedStatus = { state: 'starting' };
  #turns = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #isDirty = true;
  /** What the broker was told last, as JSON: the same is not told again. */
  #told = '';

  /** @param name the kind of the agent. */
  constructor(name: string) {
    this.#name = name;
  }

  get status(): Readonly<AttachedStatus> {
    return this.#status;
  }

  /** The agent has connected, for the first time or again: the broker knows nothing of it. */
  connected(agent: Agent): void {
    this.#agent = agent;
    this.#told = '';
    this.#changed();
  }

  report(status: Partial<AttachedStatus>): void {
    this.#status = { ...this.#status, ...status };
    this.#changed();
  }

  turnBegan(): void {
    this.#turns += 1;
    this.#changed();
  }

  turnEnded(): void {
    this.#turns -= 1;
    this.#changed();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #changed(): void {
    this.#isDirty = true;
    if (this.#timer !== undefined || this.#isClosed || !this.#agent) return;
    // Later than what is reported in this turn of the loop.
    this.#timer = setTimeout(() => this.#tell(), 0);
  }

  async #tell(): Promise<void> {
    this.#isDirty = false;
    try {
      await this.#send();
    } catch {
      // The connection is gone: it is told again on the next one.
      this.#told = '';
    }
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#isDirty) this.#changed();
    }, INTERVAL_MS);
    this.#timer.unref();
  }

  async #send(): Promise<void> {
    const agent = this.#agent;
    if (agent?.status !== 'ready') return;
    const { state, processes = [], reason, mode, what, lastWords } = this.#status;
    const id = agent.agentId;
    const status: HostAgent['status'] = state === 'failed' ? 'errored' : this.#turns > 0 ? 'running' : 'idle';
    const metadata = {
      attached: {
        state,
        ...(reason !== undefined && { reason: cut(reason) }),
        ...(what !== undefined && { what: cut(what) }),
        ...(mode !== undefined && { mode: cut(mode) }),
        processes: processes.slice(0, 64),
        ...(lastWords !== undefined && lastWords !== '' && { last_words: lastWords.slice(-MAX_WORDS) }),
      },
    };
    const [pid] = processes;
    const row = { id, name: id, kind: this.#name, metadata, ...(pid !== undefined && { pid }) };
    const task = summary(this.#status);
    const told = JSON.stringify([row, status, task]);
    if (told === this.#told) return;
    const before = this.#told === '' ? [] : (JSON.parse(this.#told) as unknown[]);
    if (JSON.stringify(before[0]) !== JSON.stringify(row)) await agent.request('host.register_agent', row);
    await agent.request('host.set_status', { agent_id: id, status, current_task: task });
    this.#told = told;
  }
}

const cut = (words: string) => words.slice(0, MAX_WORDS);

/** All of it in one line: what a list has room for. */
function summary({ state, reason, mode, what, processes = [] }: AttachedStatus): string {
  const parts = [
    state === 'ready' ? (what ?? 'ready') : state,
    ...(reason === undefined ? [] : [reason]),
    ...(mode === undefined ? [] : [`mode ${mode}`]),
    ...(processes.length === 0 ? [] : [processes.length === 1 ? '1 process' : `${processes.length} processes`]),
  ];
  return parts.join('; ').slice(0, 256);
}
