import { useChat } from '@ai-sdk/react';
import {
  type ChatAddToolOutputFunction,
  DefaultChatTransport,
  isToolUIPart,
  lastAssistantMessageIsCompleteWithApprovalResponses,
  lastAssistantMessageIsCompleteWithToolCalls,
  type UIMessage,
} from 'ai';
import { type FormEvent, useEffect, useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';

/** The daemon, and the agent. */
const AGENT = 'http://127.0.0.1:9100/ai/echo';

/** What this page can do for the agent. */
const TOOLS = [{ name: 'page_title', description: 'the title of the page that the person looks at' }];

// What outlives a reload of this tab, and goes with it.
const kept = sessionStorage;

function App() {
  const [key, setKey] = useState(kept.getItem('key') ?? '');
  function signIn(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const given = String(new FormData(event.currentTarget).get('key'));
    kept.setItem('key', given);
    setKey(given);
  }
  // Where the key has ended, too.
  function signOut() {
    kept.clear();
    setKey('');
  }
  if (key !== '') return <Conversation apiKey={key} onSignOut={signOut} />;
  return (
    <form onSubmit={signIn}>
      <input name="key" type="password" placeholder="key" autoComplete="off" required />
      <button type="submit">Sign in</button>
    </form>
  );
}

function Conversation({ apiKey, onSignOut }: { apiKey: string; onSignOut(): void }) {
  const [id] = useState(() => kept.getItem('id') ?? crypto.randomUUID());
  const [before] = useState<UIMessage[]>(() => JSON.parse(kept.getItem('messages') ?? '[]'));
  const headers = { authorization: `Bearer ${apiKey}` };
  // biome-ignore lint/correctness/useExhaustiveDependencies: one for as long as the key is the same
  const transport = useMemo(() => new DefaultChatTransport({ api: AGENT, headers, body: { tools: TOOLS } }), [apiKey]);
  const chat = useChat({
    id,
    messages: before,
    transport,
    // Goes on with an answer that was under way when the page was loaded anew.
    resume: true,
    onToolCall({ toolCall: { toolCallId, toolName: tool } }) {
      if (tool === 'page_title') void addToolOutput({ tool, toolCallId, output: document.title });
    },
    // Goes on as soon as the page's tools have run, and the person has decided.
    sendAutomaticallyWhen: (state) =>
      lastAssistantMessageIsCompleteWithToolCalls(state) || lastAssistantMessageIsCompleteWithApprovalResponses(state),
  });
  const { messages, status, error, sendMessage, addToolApprovalResponse } = chat;
  const addToolOutput: ChatAddToolOutputFunction<UIMessage> = chat.addToolOutput;
  const isBusy = status === 'submitted' || status === 'streaming';

  useEffect(() => {
    kept.setItem('id', id);
    kept.setItem('messages', JSON.stringify(messages));
  }, [id, messages]);

  async function stop() {
    // `stop()` alone is a lost connection: the agent would go on, for a page that may come back.
    await fetch(`${AGENT}/${id}/stop`, { method: 'POST', headers });
    await chat.stop();
  }

  function send(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget).get('prompt'));
    event.currentTarget.reset();
    void sendMessage({ text });
  }

  return (
    <main>
      {messages.map((message) => (
        <section key={message.id} className={message.role}>
          {message.parts.map((part, index) => {
            const at = `${message.id}-${index}`;
            if (part.type === 'text') return <p key={at}>{part.text}</p>;
            if (!isToolUIPart(part)) return null;
            if (part.state !== 'approval-requested') return <p key={at}>{`${part.type}: ${part.state}`}</p>;
            const { id: approval } = part.approval;
            return (
              <p key={at}>
                {'toolName' in part ? part.toolName : part.type}
                <button type="button" onClick={() => addToolApprovalResponse({ id: approval, approved: true })}>
                  Approve
                </button>
                <button type="button" onClick={() => addToolApprovalResponse({ id: approval, approved: false })}>
                  Deny
                </button>
              </p>
            );
          })}
        </section>
      ))}
      <p role="alert">{error?.message}</p>
      <form onSubmit={send}>
        <input name="prompt" placeholder="Say something" autoComplete="off" required disabled={isBusy} />
        <button type="submit" disabled={isBusy}>
          Send
        </button>
        <button type="button" disabled={!isBusy} onClick={stop}>
          Stop
        </button>
        <button type="button" onClick={onSignOut}>
          Sign out
        </button>
      </form>
    </main>
  );
}

const root = document.getElementById('root');
if (root) createRoot(root).render(<App />);
