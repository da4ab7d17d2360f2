import type { Message } from '../../../support/linked.ts';

/** What an agent says in a turn, by its `aseq`. */
export interface Said {
  fields: Message;
  /** It cannot be read: it takes its number, and is sent to nobody. */
  isSkipped: boolean;
}

/** One decision of a person's, from the agent's side: what it has done because of it. */
export interface Question {
  id: string;
  effect: boolean | undefined;
  /** Decisions whose sender was told that they count. */
  granted: boolean[];
}

/** Something that an agent has a tool do. */
export interface Action {
  id: string;
  attempts: number;
  /** The request of the last attempt; undefined: it was answered, or its connection is gone. */
  asked: number | undefined;
  /** What the agent was told at last. */
  answers: string[];
  isWithdrawn: boolean;
  /** Its agent has ended the turn without waiting for it. */
  isGivenUp: boolean;
}

/** Endings that the broker makes itself, by what its terminal says. */
export type OwnEnding = 'agent_disconnected' | 'agent_replaced' | 'cancelled';

/** One turn, from its opening on: all that its agent says, and all that happened to explain its end. */
export class Story {
  readonly session: string;
  readonly token: string;
  turnId = '';
  readonly said: Said[] = [];
  readonly questions = new Map<string, Question>();
  readonly actions = new Map<string, Action>();
  /** What the broker may say itself at its end. */
  readonly mayEnd = new Set<OwnEnding>();
  /** Up to this `aseq` the agent was told that the broker has it, and that it need not keep it. */
  received = 0;
  released = 0;
  /** Up to this one the broker must have it. */
  arrived = 0;
  /** The oldest event that its agent can send again. Of those before that are not released it has the text. */
  keptFrom = 1;
  /** Its agent has ended it. */
  isSaid = false;
  /** Since when it has no host, and no agent; in the clock's milliseconds. Undefined: there is one. */
  hostAway: number | undefined;
  agentAway: number | undefined;
  /** Whose turn it is. */
  host: { relieved(story: Story): void } | undefined;
  /** Its agent numbers its events: it may come back to it. */
  isNumbered = true;
  /** How it ended, as the first who heard it was told. */
  ending: string | undefined;

  constructor(session: string, token: string) {
    this.session = session;
    this.token = token;
  }

  /** What its readers are to be sent, by `seq`: an event's place depends on what was said before it, and on nothing else. */
  get told(): Message[] {
    return this.said.filter(({ isSkipped }) => !isSkipped).map(({ fields }) => fields);
  }

  /** How its agent goes on with it. */
  get claim(): object {
    const { turnId, session, said, released, keptFrom } = this;
    const claim = { turn_id: turnId, session_id: session, next: said.length + 1 };
    if (keptFrom <= released + 1) return { ...claim, kept_from: released + 1 };
    const text_from = textOf(said.slice(0, released)).length;
    return { ...claim, kept_from: keptFrom, text: textOf(said.slice(released, keptFrom - 1)), text_from };
  }

  /** Its agent is back, and what of it had not arrived can only be text: that stands for all of it. @returns whether so */
  recover(): boolean {
    const { said, arrived, keptFrom } = this;
    if (keptFrom <= arrived + 1) return false;
    const delta = textOf(said.slice(arrived, keptFrom - 1));
    for (let at = arrived; at < keptFrom - 1; at += 1) said[at] = { fields: {}, isSkipped: true };
    said[keptFrom - 2] = { fields: { kind: 'token', delta, recovered: true }, isSkipped: delta === '' };
    this.arrived = keptFrom - 1;
    return true;
  }

  /** Why an event of it that a reader was sent is not the one that is due. `isAhead`: it claimed to have more than there was. */
  breachOf(event: Message, isAhead: boolean): string | undefined {
    const { seq, seq_from = seq, kind, synthesized, code, finish_reason, truncated } = event;
    // Whoever has more than there ever was is told the end as what follows that.
    if (truncated === true && !synthesized) {
      return isAhead && kind === 'done' ? this.#breachOfEnd('said') : 'an end with something missing before it';
    }
    if (synthesized) return this.#breachOfEnding(kind === 'done' ? finish_reason : code);
    if (kind === 'token') {
      const due = this.told.slice(seq_from - 1, seq);
      const isText = due.length === seq - seq_from + 1 && due.every((each) => each.kind === 'token');
      if (!isText || due.map(({ delta }) => delta).join('') !== event.delta) return 'what its agent has not said there';
      return undefined;
    }
    const due = this.told[seq - 1];
    if (due === undefined) return 'what its agent has not said';
    const differs = Object.keys(due).find((field) => due[field] !== event[field]);
    if (differs !== undefined) return `another ${differs} than its agent has said there`;
    return kind === 'done' ? this.#breachOfEnd('said') : undefined;
  }

  #breachOfEnding(what: OwnEnding): string | undefined {
    if (!this.mayEnd.has(what)) return `the end ${what}, which nothing explains`;
    return this.#breachOfEnd(what);
  }

  /** Whoever hears its end hears the same. */
  #breachOfEnd(what: string): string | undefined {
    this.ending ??= what;
    return this.ending === what ? undefined : `the end ${what}, and another was told ${this.ending}`;
  }
}

/** The text of what was said. */
function textOf(said: readonly Said[]): string {
  return said.map(({ fields, isSkipped }) => (isSkipped ? '' : (fields.delta ?? ''))).join('');
}

/** All turns of a history. */
export class StoryBook {
  readonly all: Story[] = [];
  /** How often something has happened that a history is to come to. */
  readonly counts = new Map<string, number>();

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  byTurn(turnId: string): Story | undefined {
    return this.all.find((story) => story.turnId === turnId);
  }

  /** The last one in a session that has not ended, as far as anybody was told. */
  live(session: string): Story | undefined {
    return this.all.findLast((story) => story.session === session && story.turnId !== '' && story.ending === undefined);
  }

  /** The last one in a session, ended or not. */
  last(session: string): Story | undefined {
    return this.all.findLast((story) => story.session === session && story.turnId !== '');
  }
}
