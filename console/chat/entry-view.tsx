import { MarkdownOf } from '../reading/markdown.tsx';
import type { TextBlock } from '../reading/text-block.ts';
import { host } from '../session.ts';
import { ApprovalView } from './approval-view.tsx';
import type { Conversation } from './conversation.ts';
import { ToolView } from './tool-view.tsx';
import type { Entry, EntryOf } from './transcript.ts';
import type { TurnEnd } from './turn-end.ts';

/** One piece of a conversation. */
export function EntryView({ entry, conversation }: { entry: Entry; conversation: Conversation }) {
  switch (entry.kind) {
    case 'prompt':
      return (
        <p class="said by-person">
          <span class="hidden">You: </span>
          {entry.text}
        </p>
      );
    case 'text':
      return <Text block={entry.block} />;
    case 'tool':
      return <ToolView entry={entry} />;
    case 'approval':
      return <ApprovalView entry={entry} conversation={conversation} />;
    case 'note':
      return <Note entry={entry} />;
    case 'end':
      return <End end={entry.end} onAgain={againOf(entry, conversation)} />;
  }
}

function Text({ block }: { block: TextBlock }) {
  return (
    <div class="said by-agent">
      <MarkdownOf block={block} />
    </div>
  );
}

function Note({ entry }: { entry: EntryOf<'note'> }) {
  const { count, detail } = entry.latest.value;
  const title = (
    <>
      <span>{entry.label}</span>
      {count > 1 ? <span class="soft"> ×{count}</span> : null}
    </>
  );
  if (detail === '') return <p class="chat-note">{title}</p>;
  return (
    <details class="chat-note">
      <summary>{title}</summary>
      <pre>{detail}</pre>
    </details>
  );
}

/** Asks the same again, where this is how the last turn ended and that may help. */
function againOf(entry: EntryOf<'end'>, conversation: Conversation): (() => void) | undefined {
  const { transcript, state } = conversation;
  const connection = host.value;
  const isLast = transcript.entries.value.at(-1) === entry && state.value === 'idle';
  if (!entry.end.again || !isLast || !connection || transcript.lastPrompt() === undefined) return undefined;
  return () => void conversation.again(connection);
}

function End({ end, onAgain }: { end: TurnEnd; onAgain: (() => void) | undefined }) {
  return (
    <div class={`end ${end.tone}`}>
      <p>
        <bdi class="end-title">{end.title}</bdi>
        {end.code === undefined ? null : (
          <>
            {' · '}
            <code>{end.code}</code>
          </>
        )}
        {end.figures?.map((figure) => ` · ${figure}`)}
      </p>
      {end.message === undefined ? null : <p class="end-message">{end.message}</p>}
      {end.hint === undefined ? null : <p>{end.hint}</p>}
      {onAgain ? (
        <p>
          <button type="button" class="small" onClick={onAgain}>
            Ask again
          </button>
        </p>
      ) : null}
    </div>
  );
}
