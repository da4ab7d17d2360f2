import { setTimeout as delay } from 'node:timers/promises';
import {
  type Agent,
  type Chat,
  connectAgent,
  connectHost,
  type Host,
  SwitchboardError,
  ToolCancelledError,
  ToolUnavailableError,
  type Turn,
  TurnError,
} from 'switchboard/client';
import { own } from '../../e2e/support/cleanup.ts';

/** What one host has had of one chat, or what became of it. */
export interface Read {
  prompt: string;
  turn: string | undefined;
  /** Of every event that is one of the turn's: `[seq_from, seq]`. */
  seqs: [number, number][];
  text: string;
  /** The kinds of its terminals. */
  ends: string[];
  /** Approvals, as their `approval_resolved` says. */
  resolved: string[];
  /** Why it could not be opened, or broke. */
  error: { isRetryable: boolean; text: string } | undefined;
}

/** What one agent has said in one turn. */
export interface Told {
  prompt: string;
  turn: string;
  text: string;
  /** What its tool has answered. */
  tools: string[];
  /** What became of what it asked a person. */
  approvals: string[];
  /** Why it was aborted. */
  aborted: string | undefined;
}

/** Everything that happened, to be checked when it is over. */
export class Records {
  readonly reads: Read[] = [];
  readonly tellings: Told[] = [];
  /** By `action_id`, how often its tool ran. */
  readonly runs = new Map<string, number>();
}

const WORDS = 60;
const BACK = { minMs: 5, maxMs: 60 };

/** What an agent answers to a prompt, a word at a time. */
export const wordsFor = (prompt: string): string[] => Array.from({ length: WORDS }, (_, n) => `${prompt}.${n} `);

/** An agent that says its words, asks its host's tool and then a person in between, and comes back by itself. */
export async function startTeller(records: Records, url: string, agentId: string, token: string): Promise<Agent> {
  const agent = await connectAgent({
    url,
    agentId,
    token,
    reconnect: BACK,
    onChat: (turn) => tell(records, turn),
  });
  own(() => agent.close());
  return agent;
}

async function* tell(records: Records, turn: Turn): AsyncGenerator<string> {
  const { prompt, turnId, signal } = turn;
  const told: Told = { prompt, turn: turnId, text: '', tools: [], approvals: [], aborted: undefined };
  records.tellings.push(told);
  signal.addEventListener('abort', () => {
    told.aborted = String(signal.reason);
  });
  for (const [n, word] of wordsFor(prompt).entries()) {
    if (n === WORDS / 3) told.tools.push(String(await callClock(turn)));
    if (n === WORDS / 2) told.approvals.push((await turn.requestApproval({ tool: 'rm' })).resolution);
    if (signal.aborted) return;
    told.text += word;
    yield word;
    await delay(2);
  }
}

/** Asks for the time until it is told: a host that is cut off, or away, has its calls ended. */
async function callClock({ tools, turnId, signal }: Turn): Promise<unknown> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await tools.call('clock', {}, { actionId: turnId, attempt });
    } catch (error) {
      const isAway = error instanceof ToolCancelledError || error instanceof ToolUnavailableError;
      if (!isAway || signal.aborted) throw error;
    }
    await delay(20);
  }
}

/** A host with a tool that comes back by itself. */
export async function startReader(records: Records, url: string, token: string): Promise<Host> {
  const host = await connectHost({ url, token, reconnect: BACK });
  own(() => host.close());
  await host.tool('clock', {}, (_args, { actionId = '' }) => {
    records.runs.set(actionId, (records.runs.get(actionId) ?? 0) + 1);
    return 'noon';
  });
  return host;
}

/** Has a host chat, and notes all that it hears. */
export async function readChat(records: Records, host: Host, agentId: string, prompt: string): Promise<Read> {
  const read: Read = { prompt, turn: undefined, seqs: [], text: '', ends: [], resolved: [], error: undefined };
  records.reads.push(read);
  try {
    const chat = host.chat(agentId, prompt, { resumable: true });
    void chat.ack.then(
      ({ turn_id }) => {
        read.turn = turn_id;
      },
      () => {},
    );
    for await (const event of chat) {
      if (event.seq !== undefined) read.seqs.push([(event as { seq_from?: number }).seq_from ?? event.seq, event.seq]);
      if (event.kind === 'token') read.text += event.delta;
      else if (event.kind === 'approval_pending') void decide(chat, read, event.approval_id);
      else if (event.kind === 'approval_resolved') read.resolved.push(event.resolution);
      else if (event.kind === 'done' || event.kind === 'error') read.ends.push(event.kind);
      if (event.kind === 'error') throw new TurnError(event);
    }
  } catch (error) {
    const isRetryable = error instanceof SwitchboardError && error.retryable;
    read.error = { isRetryable, text: String(error) };
  }
  return read;
}

/** Says yes, as often as it takes: its agent may be away, or the answer be lost. */
async function decide(chat: Chat, read: Read, approvalId: string): Promise<void> {
  while (read.resolved.length === 0 && read.ends.length === 0 && !read.error) {
    try {
      if (await chat.approve(approvalId, true)) return;
    } catch {
      // Until the agent is there, or has said itself how it ended.
    }
    await delay(15);
  }
}

/** What is wrong with what happened; nothing, where all is as it was promised. */
export function faultsIn({ reads, tellings, runs }: Records): string[] {
  const faults: string[] = [];
  const told = new Map(tellings.map((one) => [one.turn, one]));
  const turns = new Set<string>();
  for (const { prompt, turn, seqs, text, ends, resolved, error } of reads) {
    const say = (fault: string) => faults.push(`${prompt}: ${fault}`);
    // It was never a turn, and whoever asked knows that.
    if (turn === undefined) {
      if (!error?.isRetryable) say(`never opened: ${error?.text}`);
      continue;
    }
    if (turns.has(turn)) say('its turn is another’s, too');
    turns.add(turn);
    if (error) say(error.text);
    if (ends.join() !== 'done') say(`ends: ${ends}`);
    if (text !== wordsFor(prompt).join('')) say(`its text is ${JSON.stringify(text.slice(0, 2_000))}`);
    if (resolved.join() !== 'approve') say(`its approval: ${resolved}`);
    let next = 1;
    for (const [from, seq] of seqs) {
      if (from !== next) say(`${from} where ${next} was due`);
      next = seq + 1;
    }
    const { text: said, tools, approvals } = told.get(turn) ?? { text: undefined, tools: [], approvals: [] };
    if (said !== text) say('its agent has said something else');
    if (tools.join() !== 'noon') say(`its tool: ${tools}`);
    if (approvals.join() !== 'approve') say(`its agent was answered: ${approvals}`);
    if ((runs.get(turn) ?? 0) < 1) say('its tool never ran');
  }
  return faults;
}
