import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Conversation } from './conversation.ts';
import { takeDraft } from './drafts.ts';

/** Where the person writes. Enter sends, Shift+Enter begins a line. */
export function Composer({
  conversation,
  box,
  problem,
  onSend,
}: {
  conversation: Conversation;
  box: RefObject<HTMLTextAreaElement | null>;
  /** Why nothing can be sent now. */
  problem: string | undefined;
  onSend: (prompt: string) => void;
}) {
  const state = conversation.state.value;
  const busy = state !== 'idle';
  useEffect(() => {
    const draft = takeDraft(conversation);
    if (draft === undefined || !box.current) return;
    box.current.value = draft;
    box.current.focus();
  }, [conversation, box]);
  const submit = () => {
    const element = box.current;
    if (!element || busy || problem !== undefined || element.value.trim() === '') return;
    const prompt = element.value;
    element.value = '';
    onSend(prompt);
  };
  const keyDown = (event: KeyboardEvent) => {
    // While an input method composes, Enter is its own.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {problem === undefined ? null : <p class="composer-problem">{problem}</p>}
      <textarea
        ref={box}
        rows={2}
        aria-label="Message"
        title="Enter sends, Shift+Enter begins a line"
        placeholder={busy ? 'Your next message' : 'Message; Enter sends'}
        onKeyDown={keyDown}
      />
      <div>
        {busy ? (
          <button
            type="button"
            disabled={state === 'cancelling'}
            onClick={() => {
              void conversation.cancel();
              box.current?.focus();
            }}
          >
            {state === 'cancelling' ? 'Cancelling' : 'Cancel'}
          </button>
        ) : (
          <button type="submit" class="primary" disabled={problem !== undefined}>
            Send
          </button>
        )}
      </div>
    </form>
  );
}
