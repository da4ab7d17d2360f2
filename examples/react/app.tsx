import { type FormEvent, useEffect, useRef, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { type Chat, connectHost, type Host } from 'switchboard/client';

/** One prompt and its answer, as far as it has come. */
interface Exchange {
  prompt: string;
  answer: string;
}

function App() {
  const [host, setHost] = useState<Host>();
  return host ? <Conversation host={host} agentId="echo" /> : <SignIn onHost={setHost} />;
}

function SignIn({ onHost }: { onHost(host: Host): void }) {
  const [problem, setProblem] = useState('');
  async function signIn(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const token = String(new FormData(event.currentTarget).get('token'));
    try {
      onHost(await connectHost({ url: 'ws://127.0.0.1:9100', token, reconnect: true }));
    } catch (error) {
      setProblem((error as Error).message);
    }
  }
  return (
    <form onSubmit={signIn}>
      <input name="token" type="password" placeholder="token" autoComplete="off" required />
      <button type="submit">Connect</button>
      <p role="alert">{problem}</p>
    </form>
  );
}

function Conversation({ host, agentId }: { host: Host; agentId: string }) {
  const [exchanges, setExchanges] = useState<Exchange[]>([]);
  const [problem, setProblem] = useState('');
  const [isBusy, setBusy] = useState(false);
  const chat = useRef<Chat>(undefined);

  // Leaving the page cancels what is streaming.
  useEffect(() => () => void chat.current?.cancel().catch(() => {}), []);

  async function send(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const prompt = String(new FormData(form).get('prompt'));
    setProblem('');
    setBusy(true);
    try {
      chat.current = host.chat(agentId, prompt, { resumable: true });
      // What nobody has taken stays in the box.
      await chat.current.ack;
      form.reset();
      setExchanges((all) => [...all, { prompt, answer: '' }]);
      for await (const event of chat.current) {
        if (event.kind === 'token') setExchanges((all) => [...all.slice(0, -1), grown(all, event.delta)]);
        if (event.kind === 'error') setProblem(event.error);
      }
    } catch (error) {
      setProblem((error as Error).message);
    } finally {
      setBusy(false);
    }
  }

  return (
    <main>
      {exchanges.map(({ prompt, answer }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: exchanges are only ever added at the end
        <section key={index}>
          <p>{prompt}</p>
          <p className="answer">{answer}</p>
        </section>
      ))}
      <p role="alert">{problem}</p>
      <form onSubmit={send}>
        <input name="prompt" placeholder="Say something" autoComplete="off" required disabled={isBusy} />
        <button type="submit" disabled={isBusy}>
          Send
        </button>
        <button type="button" disabled={!isBusy} onClick={() => chat.current?.cancel()}>
          Stop
        </button>
      </form>
    </main>
  );
}

/** The last exchange, with more of its answer. */
function grown(all: readonly Exchange[], delta: string): Exchange {
  const { prompt = '', answer = '' } = all.at(-1) ?? {};
  return { prompt, answer: answer + delta };
}

const root = document.getElementById('root');
if (root) createRoot(root).render(<App />);
