import { PAGE_TOOL } from './page-tool.ts';

/** The demonstration agent of `--demo`. */
const ECHO = 'echo';
const TRIALS = [
  ['Good morning, and good luck', 'streams it back, word by word'],
  ['/approve delete the logs', 'asks for your approval'],
  [`/tool ${PAGE_TOOL}`, 'uses a tool of this page'],
  ['/slow', 'streams for ten seconds: cancel it'],
  ['/fail', 'ends in an error'],
] as const;

/** What a conversation shows before anything was said. */
export function EmptyPane({
  agentId,
  none,
  onTry,
}: {
  agentId: string;
  /** Whether no agent is attached at all. */
  none: boolean;
  onTry: (prompt: string) => void;
}) {
  if (none) {
    return (
      <div class="empty">
        <p>No agent is attached.</p>
        <p>
          Start the daemon with <code>--demo</code> for a small one called <code>echo</code>, or connect your own with{' '}
          <code>connectAgent()</code> of the SDK. It is listed here as soon as it is attached.
        </p>
      </div>
    );
  }
  if (agentId !== ECHO) return <p class="empty">Write to {agentId || 'an agent'} below.</p>;
  return (
    <div class="empty">
      <p>
        <code>echo</code> says again what you say. Besides, it can show what agents do:
      </p>
      <ul class="trials">
        {TRIALS.map(([prompt, does]) => (
          <li key={prompt}>
            <button type="button" class="trial" onClick={() => onTry(prompt)}>
              <code>{prompt}</code> <span class="soft">{does}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
