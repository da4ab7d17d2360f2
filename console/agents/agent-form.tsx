import { useEffect, useRef, useState } from 'preact/hooks';
import type { AgentRow } from '../../client/browser.ts';
import { upsert, wishOf } from './wish.ts';

interface AgentFormProps {
  /** The one that is changed. Undefined: a new one. */
  row?: AgentRow;
  /** Ids that are taken: of a new one, the daemon would take it for a change. */
  taken?: ReadonlySet<string>;
  onDone(id: string, token: string | undefined): void;
  onCancel(): void;
}

/** Says what an agent is to be, and makes it known, or changes it. */
export function AgentForm({ row, taken, onDone, onCancel }: AgentFormProps) {
  const first = useRef<HTMLInputElement>(null);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  useEffect(() => first.current?.focus(), []);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (isBusy) return;
    const wish = wishOf(new FormData(event.currentTarget as HTMLFormElement));
    const id = row?.spec.id ?? wish.id;
    if (!row && taken?.has(id)) return setProblem(`There is an agent ${id} already: change it, or rotate its token.`);
    setBusy(true);
    setProblem('');
    const outcome = await upsert({ ...wish, id });
    setBusy(false);
    if ('problem' in outcome) setProblem(outcome.problem);
    else onDone(id, outcome.token);
  };
  return (
    <form class="agent-form" aria-label={row ? 'Change the agent' : 'A new agent'} onSubmit={submit}>
      <div class="agent-fields">
        {row ? null : (
          <label>
            Id
            <input
              ref={first}
              name="id"
              required
              maxLength={128}
              pattern="[A-Za-z0-9._\-]+"
              title="Letters, digits and . _ -"
              autocomplete="off"
              spellcheck={false}
            />
          </label>
        )}
        <label>
          Name
          <input
            ref={row ? first : null}
            name="name"
            maxLength={256}
            placeholder={row ? '' : 'its id'}
            defaultValue={row?.spec.name ?? ''}
            autocomplete="off"
          />
        </label>
        <label>
          Capabilities
          <input
            name="capabilities"
            placeholder="none"
            defaultValue={row?.spec.capabilities.join(', ') ?? ''}
            autocomplete="off"
            spellcheck={false}
          />
        </label>
      </div>
      <p class="confirm-problem" role="alert">
        {problem}
      </p>
      <div class="confirm-buttons">
        <button type="submit" class="primary" aria-disabled={isBusy}>
          {row ? 'Change it' : 'Add the agent'}
        </button>
        <button type="button" onClick={onCancel}>
          Cancel
        </button>
      </div>
    </form>
  );
}
