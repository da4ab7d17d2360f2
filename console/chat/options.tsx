import type { Conversation } from './conversation.ts';
import { PAGE_TOOL } from './page-tool.ts';
import type { SendOptions } from './saved-conversation.ts';

/** What goes with the next message. */
export function Options({ conversation }: { conversation: Conversation }) {
  const { options, sessionId } = conversation;
  const set = (change: Partial<SendOptions>) => {
    options.value = { ...options.value, ...change };
  };
  return (
    <details class="options">
      <summary>Options</summary>
      <label>
        Model
        <input
          value={options.value.model}
          placeholder="the agent's own choice"
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => set({ model: event.currentTarget.value.trim() })}
        />
      </label>
      <label>
        <input
          type="checkbox"
          checked={options.value.stream}
          onChange={(event) => set({ stream: event.currentTarget.checked })}
        />
        Stream the answer
      </label>
      <label>
        <input
          type="checkbox"
          checked={options.value.tool}
          onChange={(event) => set({ tool: event.currentTarget.checked })}
        />
        <span>
          Offer a tool, <code>{PAGE_TOOL}</code>: the time here
        </span>
      </label>
      <p class="soft">
        Session <code>{sessionId}</code>
      </p>
    </details>
  );
}
