import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import './entry-form.css';

interface EntryFormProps {
  /** What it is for, to whoever does not see where it stands. */
  label: string;
  /** What the button says that does it, and while it is being done. */
  yes: readonly [now: string, busy: string];
  /** Does it. @returns why it is not done, if so */
  act(fields: FormData): Promise<string | undefined>;
  onCancel(): void;
  children: ComponentChildren;
}

/** A form that makes something, or changes it: its fields, why it was refused, and its two buttons. */
export function EntryForm({ label, yes, act, onCancel, children }: EntryFormProps) {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (isBusy) return;
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    setBusy(true);
    setProblem('');
    const why = await act(fields);
    setBusy(false);
    if (why !== undefined) setProblem(why);
  };
  return (
    <form class="entry-form" aria-label={label} onSubmit={submit}>
      {children}
      <p class="refusal" role="alert">
        {problem}
      </p>
      <div class="buttons">
        <button type="submit" class="primary" aria-disabled={isBusy}>
          {isBusy ? yes[1] : yes[0]}
        </button>
        <button type="button" onClick={onCancel}>
          Cancel
        </button>
      </div>
    </form>
  );
}
