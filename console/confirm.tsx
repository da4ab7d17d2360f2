import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import './confirm.css';

interface ConfirmProps {
  /** What is asked. */
  title: string;
  /** What it would do, and cannot undo. */
  children: ComponentChildren;
  /** What the button says that does it, and while it is being done. */
  yes: readonly [now: string, busy: string];
  /** What the button says that leaves everything as it is. */
  no: string;
  /** Does it. @returns why it is not done, if so */
  act(): Promise<string | undefined>;
  onDone(): void;
  onKept(): void;
}

/** Asks before something is ended that cannot be brought back. */
export function Confirm({ title, children, yes, no, act, onDone, onKept }: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  useEffect(() => {
    if (!dialog.current?.open) dialog.current?.showModal();
  }, []);
  const end = async () => {
    if (isBusy) return;
    setBusy(true);
    setProblem('');
    const why = await act();
    setBusy(false);
    if (why !== undefined) return setProblem(why);
    // While it is open nothing behind it can have the focus.
    dialog.current?.close();
    onDone();
  };
  return (
    <dialog ref={dialog} class="confirm" aria-labelledby="confirming" onClose={onKept}>
      <h2 id="confirming">{title}</h2>
      <p>{children}</p>
      <p class="confirm-problem" role="alert">
        {problem}
      </p>
      <div class="confirm-buttons">
        <button type="button" class="danger" aria-disabled={isBusy} onClick={end}>
          {isBusy ? yes[1] : yes[0]}
        </button>
        {/* The first thing that Enter would do changes nothing. */}
        <button type="button" autofocus onClick={() => dialog.current?.close()}>
          {no}
        </button>
      </div>
    </dialog>
  );
}
