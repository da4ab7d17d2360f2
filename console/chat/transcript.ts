import { batch, type Signal, signal } from '@preact/signals';
import type { ChatEvent } from '../../client/browser.ts';
import { visible, visibleLine } from '../../protocol/visible.ts';
import { detailsOf, gateSubject } from '../approvals/subject.ts';
import { oneLine, preview } from '../preview.ts';
import { TextBlock } from '../reading/text-block.ts';
import { type SavedTranscript, savedEntries } from './saved-transcript.ts';
import type { TurnEnd } from './turn-end.ts';

/** Characters of answers that one conversation keeps; the oldest go. */
const KEPT_CHARACTERS = 1_048_576;
/** Entries that one conversation keeps; the oldest go. */
const KEPT_ENTRIES = 1_000;

type GatePending = Extract<ChatEvent, { kind: 'gate_pending' }>;

/** What came of a tool call. */
export interface ToolOutcome {
  ok: boolean;
  /** What it says for people. */
  excerpt: string;
}

/** Where an approval stands on this page. */
export type ApprovalState =
  | { kind: 'pending'; problem?: string }
  /** Somebody at this page has decided, and the agent has not taken it yet. */
  | { kind: 'deciding'; approve: boolean }
  | { kind: 'resolved'; resolution: 'approve' | 'deny' | 'timeout' | 'withdrawn' }
  /** The turn is over: it cannot be answered any more. */
  | { kind: 'withdrawn' };

/** A piece of a conversation. */
export type Entry = { readonly key: number } & (
  | { readonly kind: 'prompt'; readonly text: string }
  | { readonly kind: 'text'; readonly block: TextBlock }
  | {
      readonly kind: 'tool';
      readonly tool: string;
      readonly callId: string | undefined;
      readonly brief: string;
      readonly params: string;
      readonly outcome: Signal<ToolOutcome | undefined>;
    }
  | {
      readonly kind: 'approval';
      readonly approvalId: string;
      readonly what: string;
      readonly details: string;
      readonly deadline: number | string | undefined;
      readonly state: Signal<ApprovalState>;
    }
  | { readonly kind: 'note'; readonly label: string; readonly latest: Signal<{ count: number; detail: string }> }
  | { readonly kind: 'end'; readonly end: TurnEnd }
);
/** An entry of one kind. */
export type EntryOf<K extends Entry['kind']> = Extract<Entry, { kind: K }>;

/** Whether it still waits for an answer. */
export const isOpen = ({ kind }: ApprovalState): boolean => kind === 'pending' || kind === 'deciding';

/** Of a note that there is one of, and that has said all. */
const ONCE = { count: 1, detail: '' };

/** An entry without its place. */
export type Draft<T = Entry> = T extends Entry ? Omit<T, 'key'> : never;

/**
 * A conversation as it is shown. Events change it at once and are shown by {@link Transcript.flush}, once an animation
 * frame: at a thousand tokens a second the page draws sixty times, and only the end of the text.
 */
export class Transcript {
  readonly entries = signal<readonly Entry[]>([]);
  /** Whether the beginning was forgotten, because it was too much. */
  readonly truncated = signal(false);
  /** Approvals that wait for an answer. */
  readonly waiting = signal(0);
  #entries: Entry[] = [];
  #changed = false;
  #key = 0;
  #size = 0;
  /** What the turn that runs has said in tokens. */
  #spoken = 0;

  /** What the person said. */
  prompt(text: string): void {
    this.#spoken = 0;
    this.#add({ kind: 'prompt', text });
    this.#size += text.length;
  }

  /** One event of the turn, its terminal apart. */
  event(event: ChatEvent): void {
    switch (event.kind) {
      case 'token':
        this.#say(event.delta);
        return;
      case 'tool_call':
        this.#add({
          kind: 'tool',
          tool: event.tool,
          callId: event.call_id,
          brief: event.params === undefined ? '' : oneLine(event.params),
          params: event.params === undefined ? '' : preview(event.params),
          outcome: signal<ToolOutcome | undefined>(undefined),
        });
        return;
      case 'tool_result':
        this.#result(event);
        return;
      case 'approval_pending':
        // A turn that is gone on with tells again what still waits.
        if (this.#openApproval(event.approval_id)) return;
        this.#ask(event);
        return;
      case 'gate_pending':
        if (!this.#openApproval(event.approval_id)) this.#askForGate(event);
        return;
      case 'approval_resolved':
      case 'gate_resolved':
        this.approval(event.approval_id, { kind: 'resolved', resolution: event.resolution });
        return;
      case 'agent_away':
        this.#add({ kind: 'note', label: 'the agent is away; the turn waits for it', latest: signal(ONCE) });
        return;
      case 'agent_back':
        this.#add({ kind: 'note', label: 'the agent is back', latest: signal(ONCE) });
        return;
      default:
        this.#note(event);
    }
  }

  /** The turn is over. @param text the whole answer, where the agent's last event had it. */
  end(end: TurnEnd, text?: string): void {
    // An agent that streams nothing says it all at the end.
    if (text && this.#spoken === 0) this.#say(text);
    for (const entry of this.#entries) {
      if (entry.kind !== 'approval') continue;
      if (isOpen(entry.state.value)) entry.state.value = { kind: 'withdrawn' };
    }
    this.#countWaiting();
    this.#add({ kind: 'end', end });
  }

  /** Where an approval stands now. One that is resolved stays so. */
  approval(approvalId: string, state: ApprovalState): void {
    const entry = this.#openApproval(approvalId);
    if (!entry) return;
    entry.state.value = state;
    this.#countWaiting();
  }

  /** Shows what has changed, and forgets what is too much. */
  flush(): void {
    batch(() => {
      for (const entry of this.#entries) if (entry.kind === 'text') this.#size += entry.block.flush();
      this.#bound();
      if (this.#changed) this.entries.value = [...this.#entries];
      this.#changed = false;
    });
  }

  /** What the last turn has said so far. */
  answer(): string {
    const begin = this.#entries.findLastIndex(({ kind }) => kind === 'prompt');
    const said = this.#entries.slice(begin + 1).filter((entry) => entry.kind === 'text');
    return said.map(({ block }) => block.toString()).join('\n');
  }

  /** What the person said last. */
  lastPrompt(): string | undefined {
    return this.#entries.findLast((entry) => entry.kind === 'prompt')?.text;
  }

  /** The newest of it, as it can be kept. @param limit characters at most, roughly. */
  saved(limit: number): SavedTranscript {
    const { entries, isWhole } = savedEntries(this.#entries, limit);
    return { entries, truncated: this.truncated.value || !isWhole, spoken: this.#spoken };
  }

  /** Takes what was kept. Only while nothing was said. */
  restore(drafts: readonly Draft[], { truncated, spoken }: Pick<SavedTranscript, 'truncated' | 'spoken'>): void {
    for (const draft of drafts) {
      if (draft.kind === 'prompt') this.#size += draft.text.length;
      this.#add(draft);
    }
    this.#spoken = spoken;
    this.truncated.value = truncated;
    this.#countWaiting();
    this.flush();
  }

  /** A person decides by it: all that the agent tells, and nothing in it that is not to be seen. */
  #ask(event: Extract<ChatEvent, { kind: 'approval_pending' }>): void {
    const {
      kind,
      session_id,
      turn_id,
      agent_id,
      seq,
      approval_id: approvalId,
      action,
      tool,
      deadline,
      ...rest
    } = event;
    const what = action ?? tool ?? '';
    const details = visible(preview(detailsOf(rest, tool, what)));
    this.#addApproval({ approvalId, what: visibleLine(what), details, deadline });
  }

  /** The broker itself asks, of what it holds back. */
  #askForGate({ approval_id: approvalId, action, details, expires_at: deadline }: GatePending): void {
    const { title, preview: told } = gateSubject(action, details);
    this.#addApproval({ approvalId, what: title, details: preview(told), deadline });
  }

  #addApproval(draft: Pick<EntryOf<'approval'>, 'approvalId' | 'what' | 'details' | 'deadline'>): void {
    this.#add({ kind: 'approval', ...draft, state: signal<ApprovalState>({ kind: 'pending' }) });
    this.#countWaiting();
  }

  #countWaiting(): void {
    this.waiting.value = this.#entries.filter((one) => one.kind === 'approval' && isOpen(one.state.value)).length;
  }

  #openApproval(approvalId: string): EntryOf<'approval'> | undefined {
    const entry = this.#entries.findLast(
      (one): one is EntryOf<'approval'> => one.kind === 'approval' && one.approvalId === approvalId,
    );
    return entry && isOpen(entry.state.value) ? entry : undefined;
  }

  #say(delta: string): void {
    this.#spoken += delta.length;
    const last = this.#entries.at(-1);
    if (last?.kind === 'text') last.block.append(delta);
    else if (delta !== '') {
      const block = new TextBlock();
      block.append(delta);
      this.#add({ kind: 'text', block });
    }
  }

  #result(event: Extract<ChatEvent, { kind: 'tool_result' }>): void {
    const call = this.#entries.findLast(
      (entry): entry is EntryOf<'tool'> =>
        entry.kind === 'tool' &&
        entry.outcome.value === undefined &&
        (event.call_id === undefined ? entry.tool === event.tool : entry.callId === event.call_id),
    );
    const outcome = { ok: event.ok, excerpt: preview(event.excerpt ?? event.evidence ?? '') };
    if (call) call.outcome.value = outcome;
    // A result without its call is shown all the same: what the agent says is what the person debugs.
    else {
      const { tool, call_id: callId } = event;
      this.#add({ kind: 'tool', tool, callId, brief: '', params: '', outcome: signal(outcome) });
    }
  }

  #note(event: ChatEvent): void {
    const { kind, session_id, turn_id, agent_id, seq, ...rest } = event;
    const detail = Object.keys(rest).length > 0 ? preview(rest) : '';
    const last = this.#entries.at(-1);
    if (last?.kind === 'note' && last.label === kind) {
      last.latest.value = { count: last.latest.value.count + 1, detail };
    } else this.#add({ kind: 'note', label: kind, latest: signal({ count: 1, detail }) });
  }

  #add(entry: Draft): void {
    this.#entries.push({ ...entry, key: this.#key++ } as Entry);
    this.#changed = true;
  }

  #bound(): void {
    while (this.#entries.length > KEPT_ENTRIES || this.#size > KEPT_CHARACTERS) {
      const [first] = this.#entries;
      if (!first) return;
      const isLast = this.#entries.length === 1;
      const gone = first.kind === 'text' ? first.block.forget(this.#size - KEPT_CHARACTERS) : 0;
      this.#size -= gone;
      this.truncated.value = true;
      if (gone > 0 && this.#size <= KEPT_CHARACTERS && this.#entries.length <= KEPT_ENTRIES) return;
      if (isLast) return;
      this.#entries.shift();
      this.#changed = true;
      if (first.kind === 'approval') this.#countWaiting();
      if (first.kind === 'text') this.#size -= first.block.size;
      if (first.kind === 'prompt') this.#size -= first.text.length;
    }
  }
}
