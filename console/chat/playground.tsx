import { useEffect, useRef } from 'preact/hooks';
import { agents, useAgents } from '../agents.ts';
import { route } from '../route.ts';
import type { Conversation } from './conversation.ts';
import { conversations, MAX_CONVERSATIONS, openConversation } from './conversations.ts';
import { isRestored } from './keeping.ts';
import { Pane } from './pane.tsx';
import './playground.css';

/** A place to try agents in: conversations side by side, each with its own agent and session. */
export function Playground() {
  useAgents();
  const wanted = route.value[1];
  const ready = isRestored.value;
  useEffect(() => {
    if (!ready) return;
    // `#/chat/<agent>` is a way here from a list of agents.
    if (wanted) openWith(wanted);
    else if (conversations.value.length === 0) openConversation();
  }, [wanted, ready]);
  const known = agents.value;
  const open = conversations.value;
  useEffect(() => {
    const [first] = (known ?? []).filter(({ attached }) => attached);
    if (!first) return;
    for (const { agentId } of open) if (agentId.value === '') agentId.value = first.spec.id;
  }, [known, open]);
  const newest = useRef<Conversation>(undefined);
  const openNew = () => {
    newest.current = openConversation(open.at(-1)?.agentId.value);
  };
  const full = open.length >= MAX_CONVERSATIONS || !ready;
  return (
    <div class="playground">
      <header class="playground-bar">
        <h1>Playground</h1>
        <button type="button" onClick={openNew} disabled={full}>
          New chat
        </button>
        <ChatList open={open} />
        {full && ready ? <span class="soft">{MAX_CONVERSATIONS} chats side by side are the most.</span> : null}
      </header>
      <div class="panes">
        {open.length === 0 && ready ? <p class="empty">No chat is open. “New chat” opens one.</p> : null}
        {open.map((conversation) => (
          <Pane key={conversation.key} conversation={conversation} isNew={conversation === newest.current} />
        ))}
      </div>
    </div>
  );
}

/** The way to each of several chats, where they are not all in sight. */
function ChatList({ open }: { open: readonly Conversation[] }) {
  if (open.length < 2) return null;
  const show = ({ key }: Conversation) => {
    const pane = document.getElementById(`chat-${key}`);
    pane?.scrollIntoView({ block: 'nearest', inline: 'start' });
    pane?.querySelector('textarea')?.focus({ preventScroll: true });
  };
  return (
    <nav class="chat-list" aria-label="Open chats">
      {open.map((conversation, index) => (
        <button key={conversation.key} type="button" class="quiet small" onClick={() => show(conversation)}>
          {index + 1} {conversation.agentId}
        </button>
      ))}
    </nav>
  );
}

/** A conversation that has not begun is as good as a new one. */
function openWith(agentId: string): void {
  if (conversations.value.some((one) => one.agentId.value === agentId)) return;
  const unused = conversations.value.find((one) => one.transcript.entries.value.length === 0);
  if (unused) unused.agentId.value = agentId;
  else openConversation(agentId);
}
