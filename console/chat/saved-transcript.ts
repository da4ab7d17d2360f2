import { signal } from '@preact/signals';
import { TextBlock } from '../reading/text-block.ts';
import type { ApprovalState, Draft, Entry, EntryOf, ToolOutcome } from './transcript.ts';
import type { TurnEnd } from './turn-end.ts';

/** Entries of one conversation that are kept at most. */
const KEPT_ENTRIES = 200;

/** A piece of a conversation as JSON. */
type SavedEntry =
  | { kind: 'prompt'; text: string }
  | { kind: 'text'; text: string }
  | (Pick<EntryOf<'tool'>, 'kind' | 'tool' | 'callId' | 'brief' | 'params'> & { outcome: ToolOutcome | undefined })
  | (Pick<EntryOf<'approval'>, 'kind' | 'approvalId' | 'what' | 'details' | 'deadline'> & { state: ApprovalState })
  | { kind: 'note'; label: string; count: number; detail: string }
  | { kind: 'end'; end: TurnEnd };

/** What was said in a conversation, as JSON. */
export interface SavedTranscript {
  /** The newest ones. */
  entries: SavedEntry[];
  /** Whether the beginning is missing. */
  truncated: boolean;
  /** What the turn that runs has said in tokens. Characters. */
  spoken: number;
}

/** The newest entries that fit; of a text that does not, its end. */
export function savedEntries(entries: readonly Entry[], limit: number): { entries: SavedEntry[]; isWhole: boolean } {
  const saved: SavedEntry[] = [];
  let left = limit;
  for (const entry of entries.toReversed()) {
    if (saved.length >= KEPT_ENTRIES) return { entries: saved.reverse(), isWhole: false };
    const one = savedEntry(entry);
    const size = JSON.stringify(one).length;
    if (size > left) {
      if (one.kind === 'text' && left > 0) saved.push({ kind: 'text', text: endOf(one.text, left) });
      return { entries: saved.reverse(), isWhole: false };
    }
    left -= size;
    saved.push(one);
  }
  return { entries: saved.reverse(), isWhole: true };
}

/** What was kept, as a transcript has it. @throws {TypeError} where it is something else. */
export function draftsOf({ entries }: SavedTranscript): Draft[] {
  return entries.map(draftOf);
}

function savedEntry(entry: Entry): SavedEntry {
  const { key: _key, ...rest } = entry;
  switch (rest.kind) {
    case 'prompt':
    case 'end':
      return rest;
    case 'text':
      return { kind: 'text', text: rest.block.toString() };
    case 'tool':
      return { ...rest, outcome: rest.outcome.value };
    case 'approval': {
      const { value: state } = rest.state;
      // Whether a decision that was under way has arrived is not known here: the agent, or the next try, will say.
      return { ...rest, state: state.kind === 'deciding' ? { kind: 'pending' } : state };
    }
    case 'note':
      return { kind: 'note', label: rest.label, ...rest.latest.value };
  }
}

function draftOf(saved: SavedEntry): Draft {
  switch (saved.kind) {
    case 'prompt':
    case 'end':
      return saved;
    case 'text': {
      const block = new TextBlock();
      block.append(saved.text);
      return { kind: 'text', block };
    }
    case 'tool':
      return { ...saved, callId: saved.callId, outcome: signal(saved.outcome) };
    case 'approval':
      return { ...saved, deadline: saved.deadline, state: signal(saved.state) };
    case 'note':
      return { kind: 'note', label: saved.label, latest: signal({ count: saved.count, detail: saved.detail }) };
    default:
      throw new TypeError('no entry of a conversation');
  }
}

/** Not from within a character of two code units. */
function endOf(text: string, length: number): string {
  const end = text.slice(-length);
  const unit = end.charCodeAt(0);
  return unit >= 0xdc00 && unit <= 0xdfff ? end.slice(1) : end;
}
