import type { ComponentChildren } from 'preact';
import type { Conversation, Standing } from './conversation.ts';
import { EntryView } from './entry-view.tsx';
import { useStick } from './stick.ts';
import './transcript.css';

/** What was said, its end in sight while it grows, unless the person reads further up. */
export function TranscriptView({ conversation, empty }: { conversation: Conversation; empty: ComponentChildren }) {
  const { box, atEnd, toEnd } = useStick<HTMLDivElement>();
  const { transcript, state, standing } = conversation;
  const entries = transcript.entries.value;
  return (
    <div class="transcript-frame">
      {/* It is not read out while it grows, letter by letter: the pane says in one line what has happened. */}
      <div
        class="transcript"
        ref={box}
        role="log"
        aria-label="Conversation"
        aria-live="off"
        aria-busy={state.value !== 'idle'}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by the keyboard
        tabIndex={0}
      >
        <div class="entries">
          {transcript.truncated.value ? <p class="chat-note">The beginning is not kept any more.</p> : null}
          {entries.length === 0 ? empty : null}
          {entries.map((entry) => (
            <EntryView key={entry.key} entry={entry} conversation={conversation} />
          ))}
          {standing.value === undefined ? null : <p class="chat-note">{STANDINGS[standing.value]}</p>}
        </div>
      </div>
      {atEnd.value ? null : (
        <button type="button" class="to-end" onClick={toEnd}>
          To the end
        </button>
      )}
    </div>
  );
}

const STANDINGS: Record<Standing, string> = {
  waiting: 'No connection. The answer goes on here when it is back.',
  back: 'The connection was gone for a moment. Nothing is missing.',
  gap: 'The connection was gone for a while. The text is whole; tool calls and notes of that time may be missing.',
};
