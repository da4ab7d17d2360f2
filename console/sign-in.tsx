import { useEffect, useRef } from 'preact/hooks';
import { Mark } from './mark.tsx';
import { FileButton, FileDrop } from './runs/file-drop.tsx';
import { session, signIn, tokenIn } from './session.ts';

/** Asks for the host token, and says where there is one. */
export function SignIn() {
  const { value } = session;
  const input = useRef<HTMLInputElement>(null);
  const problem = value.kind === 'signed-out' ? value.why : undefined;
  useEffect(() => {
    document.title = 'Sign in · Switchboard';
    input.current?.focus();
    if (problem) input.current?.select();
  }, [problem]);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const text = input.current?.value.trim() ?? '';
    if (text !== '') signIn(tokenIn(text) ?? text);
  };
  return (
    <FileDrop>
      <main class="sign-in">
        <h1>
          <Mark /> Switchboard
        </h1>
        {problem ? (
          <p class="problem" role="alert" id="sign-in-problem">
            {PROBLEMS[problem]}
          </p>
        ) : null}
        <p>In a terminal on the daemon’s machine,</p>
        <pre>
          <code>npx switchboard console</code>
        </pre>
        <p>prints a link that signs in. Open it, or paste it here:</p>
        <form onSubmit={submit}>
          <label for="token">Link or host token</label>
          <input
            ref={input}
            id="token"
            type="password"
            autocomplete="off"
            spellcheck={false}
            required
            aria-invalid={problem ? 'true' : undefined}
            aria-describedby={problem ? 'sign-in-problem' : undefined}
          />
          <button type="submit" class="primary" disabled={value.kind === 'connecting'}>
            {value.kind === 'connecting' ? 'Signing in …' : 'Sign in'}
          </button>
        </form>
        <p class="soft">This tab keeps the token until it is closed or you sign out.</p>
        <p class="soft">
          A turn that was exported to a file can be looked at without: drop it here. <FileButton />
        </p>
      </main>
    </FileDrop>
  );
}

const PROBLEMS = {
  refused:
    'The daemon does not take this token. It makes a new host token each time it starts; the daemon token is another one, and does not do here.',
  unfit: 'This JWT does not manage: it needs the scope host, without a list of agents.',
  ended: 'The JWT of this page has ended. Sign in with a new one.',
  key: 'This key does not sign in here: it was revoked or replaced, has ended, or never had the scope host. Sign in with another one.',
  restarted:
    'The daemon was restarted and has a new host token: the one of this page is no longer valid. Get a new link.',
};
