import { useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Conversation } from './conversation.ts';
import { keepDraft, takeDraft } from './drafts.ts';

/** Why nothing can be sent now. */
export interface Obstacle {
  what: string;
  /** It goes by itself, in a moment: what is to be sent is sent then. */
  isBrief?: true;
}

/** Where the person writes. Enter sends, Shift+Enter begins a line. */
export function Composer({
  conversation,
  box,
  obstacle,
  onSend,
}: {
  conversation: Conversation;
  box: RefObject<HTMLTextAreaElement | null>;
  obstacle: Obstacle | undefined;
  onSend: (prompt: string) => void;
}) {
  const state = conversation.state.value;
  const busy = state !== 'idle';
  /** The person has sent it, but for an obstacle that goes by itself. */
  const isWanted = useSignal(false);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const draft = takeDraft(conversation);
    if (draft) element.value = draft.text;
    if (draft?.isNew) element.focus();
    return () => keepDraft(conversation, element.value);
  }, [conversation, box]);
  const submit = () => {
    const element = box.current;
    if (!element || busy || element.value.trim() === '') return;
    isWanted.value = obstacle?.isBrief === true;
    if (obstacle) return;
    const prompt = element.value;
    element.value = '';
    onSend(prompt);
  };
  useEffect(() => {
    if (!isWanted.value || obstacle?.isBrief) return;
    isWanted.value = false;
    submit();
  });
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
      {obstacle === undefined ? null : (
        <p class="composer-problem">
          {obstacle.what}
          {isWanted.value ? '; your message is sent then' : ''}
        </p>
      )}
      <textarea
        ref={box}
        rows={2}
        aria-label="Message"
        title="Enter sends, Shift+Enter begins a line"
        placeholder={busy ? 'Your next message' : 'Message; Enter sends'}
        onKeyDown={keyDown}
        onInput={() => {
          isWanted.value = false;
        }}
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
          <button type="submit" class="primary" disabled={obstacle !== undefined}>
            Send
          </button>
        )}
      </div>
    </form>
  );
}
