import { useEffect, useRef } from 'preact/hooks';
import type { AgentRow } from '../../client/browser.ts';
import { EntryForm } from '../entry-form.tsx';
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
  useEffect(() => first.current?.focus(), []);
  const act = async (fields: FormData) => {
    const wish = wishOf(fields);
    const id = row?.spec.id ?? wish.id;
    if (!row && taken?.has(id)) return `There is an agent ${id} already: change it, or rotate its token.`;
    const outcome = await upsert({ ...wish, id });
    if ('problem' in outcome) return outcome.problem;
    onDone(id, outcome.token);
  };
  return (
    <EntryForm
      label={row ? 'Change the agent' : 'A new agent'}
      yes={row ? ['Change it', 'Changing it …'] : ['Add the agent', 'Adding it …']}
      act={act}
      onCancel={onCancel}
    >
      <div class="entry-fields">
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
    </EntryForm>
  );
}
