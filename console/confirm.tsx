import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Sheet } from './sheet.tsx';

interface ConfirmProps {
  /** What is asked. */
  title: ComponentChildren;
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
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const end = async (close: () => void) => {
    if (isBusy) return;
    setBusy(true);
    setProblem('');
    const why = await act();
    setBusy(false);
    if (why !== undefined) return setProblem(why);
    // While it is open nothing behind it can have the focus.
    close();
    onDone();
  };
  return (
    <Sheet title={title} onClose={onKept}>
      {(close) => (
        <>
          <p>{children}</p>
          <p class="refusal" role="alert">
            {problem}
          </p>
          <div class="buttons">
            <button type="button" class="danger" aria-disabled={isBusy} onClick={() => end(close)}>
              {isBusy ? yes[1] : yes[0]}
            </button>
            {/* The first thing that Enter would do changes nothing. */}
            <button type="button" autofocus onClick={close}>
              {no}
            </button>
          </div>
        </>
      )}
    </Sheet>
  );
}
