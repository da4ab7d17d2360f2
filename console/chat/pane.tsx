import type { ReadonlySignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { visibleLine } from '../../protocol/visible.ts';
import { agents } from '../agents.ts';
import { count } from '../format.ts';
import { RawSwitch } from '../reading/markdown.tsx';
import { link } from '../route.ts';
import { type Session, session } from '../session.ts';
import { Composer, type Obstacle } from './composer.tsx';
import type { Conversation } from './conversation.ts';
import { closeConversation } from './conversations.ts';
import { EmptyPane } from './empty-pane.tsx';
import { FramesView } from './frames-view.tsx';
import { Options } from './options.tsx';
import { TranscriptView } from './transcript-view.tsx';

/** One conversation: whom it is with, what was said, and where to write. */
export function Pane({ conversation, isNew }: { conversation: Conversation; isNew: boolean }) {
  const box = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (isNew) box.current?.focus();
  }, [isNew]);
  const { agentId, showFrames, announcement } = conversation;
  const rows = agents.value ?? [];
  const attached = rows.filter((row) => row.attached).map(({ spec }) => spec.id);
  const { value: now } = session;
  const send = (prompt: string) => {
    if (now.kind === 'connected') void conversation.send(now.host, prompt);
    else if (box.current) box.current.value = prompt;
    box.current?.focus();
  };
  return (
    <article class="pane" id={`chat-${conversation.key}`} aria-label={`Chat with ${agentId.value || 'an agent'}`}>
      <header class="pane-bar">
        <AgentChoice conversation={conversation} attached={attached} />
        <TurnLine conversation={conversation} />
        <RawSwitch />
        <button
          type="button"
          class="quiet small"
          aria-pressed={showFrames.value}
          onClick={() => {
            showFrames.value = !showFrames.value;
          }}
        >
          Frames
        </button>
        <button
          type="button"
          class="quiet small"
          aria-label={`Close the chat with ${agentId.value || 'an agent'}`}
          onClick={() => closeConversation(conversation)}
        >
          Close
        </button>
      </header>
      <TranscriptView
        conversation={conversation}
        empty={
          <EmptyPane agentId={agentId.value} none={agents.value !== undefined && attached.length === 0} onTry={send} />
        }
      />
      {showFrames.value ? <FramesView conversation={conversation} /> : null}
      <footer class="pane-foot">
        <Composer
          conversation={conversation}
          box={box}
          obstacle={obstacleTo(now.kind, agentId.value, attached)}
          onSend={send}
        />
        <Options conversation={conversation} />
      </footer>
      <p class="hidden" role="status">
        <Announcement text={announcement} />
      </p>
    </article>
  );
}

/** A component of its own: what is announced draws nothing else anew. */
function Announcement({ text }: { text: ReadonlySignal<string> }) {
  return <>{text.value}</>;
}

/** What is in the way of a message. */
function obstacleTo(kind: Session['kind'], agentId: string, attached: readonly string[]): Obstacle | undefined {
  if (kind === 'connecting') return { what: 'Connecting to the daemon', isBrief: true };
  if (kind !== 'connected') return { what: 'The connection to the daemon is lost; it is being tried again.' };
  const isChosen = agentId !== '' || attached.length === 0;
  if (agents.value === undefined || !isChosen) return { what: 'Asking for the agents', isBrief: true };
  if (agentId === '') return { what: 'No agent is attached.' };
  if (!attached.includes(agentId)) return { what: `${visibleLine(agentId)} is not attached.` };
  return undefined;
}

function AgentChoice({ conversation, attached }: { conversation: Conversation; attached: readonly string[] }) {
  const { agentId, state } = conversation;
  const gone = agentId.value !== '' && !attached.includes(agentId.value);
  return (
    <select
      aria-label="Agent"
      value={agentId.value}
      disabled={state.value !== 'idle'}
      onChange={(event) => {
        agentId.value = event.currentTarget.value;
      }}
    >
      {agentId.value === '' ? <option value="">no agent</option> : null}
      {gone ? <option value={agentId.value}>{visibleLine(agentId.value)} (not attached)</option> : null}
      {attached.map((id) => (
        <option key={id} value={id}>
          {visibleLine(id)}
        </option>
      ))}
    </select>
  );
}

const STATES = {
  idle: '',
  opening: 'waiting for the agent',
  streaming: 'streaming',
  cancelling: 'cancelling',
} as const;

/** How the turn stands, and the way to its chart. */
function TurnLine({ conversation }: { conversation: Conversation }) {
  const { state, turnId, events, transcript, standing } = conversation;
  const id = turnId.value;
  const isLost = standing.value === 'waiting';
  const waits = !isLost && transcript.waiting.value > 0 && state.value === 'streaming';
  return (
    <p class={`turn-line ${waits ? 'parked' : state.value}`}>
      <span>{isLost ? 'waits for the connection' : waits ? 'waits for an approval' : STATES[state.value]}</span>
      {events.value > 0 ? (
        <span class="turn-events">
          {count(events.value)} {events.value === 1 ? 'event' : 'events'}
        </span>
      ) : null}
      {id === undefined ? null : (
        <a href={link('charts', id)} title={`The chart of turn ${id}`}>
          Chart
        </a>
      )}
    </p>
  );
}
