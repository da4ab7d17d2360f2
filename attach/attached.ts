import type { AgentChatParams, OnChat } from '../client/node.ts';

/** Where a log's lines go: pino's logger fits, and is not named, for this room knows no package of that kind. */
export interface AttachLog {
  debug(fields: object, words: string): void;
  info(fields: object, words: string): void;
  warn(fields: object, words: string): void;
  error(fields: object, words: string): void;
}

/** How an attached agent stands, as people see it in `switchboard agents` and in the console. Nothing in it is secret. */
export interface AttachedStatus {
  /** What stands behind it. */
  state: 'starting' | 'ready' | 'failed';
  /** Why it has failed, and what comes next. */
  reason?: string | undefined;
  /** The mode that its sessions begin in, where it has modes. */
  mode?: string | undefined;
  /** Which program, model or server it is, with its version. */
  what?: string | undefined;
  /** Process ids of what runs for it on this machine. */
  processes?: readonly number[] | undefined;
  /** The end of what its last process wrote to stderr. */
  lastWords?: string | undefined;
}

/** A session of an attached agent's that is kept for the next run: with it the agent finds what was said. */
export interface KeptSession {
  /** As the broker's agents know it, and so one principal's alone. */
  session_id: string;
  /** The program's own id of it. */
  agent_session_id: string;
  /** Where it works. */
  cwd: string;
}

/** Where the sessions of one attached agent are kept between two runs. */
export interface SessionStore {
  /** What was kept, the one that was used last at the end. @throws whatever keeps it from being read */
  load(): KeptSession[];
  /** Keeps exactly these. */
  save(sessions: readonly KeptSession[]): Promise<void>;
}

/** What an attached agent is given by what joins it. */
export interface AttachContext {
  readonly agentId: string;
  readonly log: AttachLog;
  /** The variables of this process: where keys of models and the like are looked up. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The mask that its processes make files with, where that is not this process's own. */
  readonly umask?: number | undefined;
  /** Where its sessions outlive this process. Default: nowhere. */
  readonly sessions?: SessionStore | undefined;
  /** Changes what people see of it; what is left out stays, what is `undefined` goes. May be called as often as one likes. */
  report(status: Partial<AttachedStatus>): void;
}

/** Somebody else's agent that is joined as one of the broker's: a program that speaks ACP, a model, a remote agent. */
export interface Attached {
  /**
   * Gets ready to take turns. Called before the first turn, and again after it has rejected; whatever it left behind is
   * its own to clear up. What it rejects with is told to people.
   */
  start(): Promise<void>;
  /** Refuses a turn by throwing `RejectChat`, before it is accepted, within 5 s. Default: each is accepted. */
  accept?(params: AgentChatParams): void | Promise<void>;
  /** Answers a turn, as the SDK's `onChat`; the ack is sent before it is called. */
  onChat: OnChat;
  /** Ends all of it: processes, sockets, what it keeps of sessions. The connection to the broker has ended before. Never rejects. */
  close(): Promise<void>;
}

/** One kind of attached agents, with its settings filled in. */
export interface AttachKind {
  /** `acp`, `openai` or `a2a`: what `host.agents` names as the agent's kind. */
  readonly name: string;
  /** Its settings were checked before: this does not fail for them. */
  open(context: AttachContext): Attached;
}
