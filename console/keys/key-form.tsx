import { useEffect, useRef, useState } from 'preact/hooks';
import { FRONTS, SCOPES } from '../../protocol/grants.ts';
import type { MadeKey } from '../../protocol/keys.ts';
import { KEY_LIMITS, type KeyLimit } from '../../protocol/shared-limits.ts';
import { agents, useAgents } from '../agents.ts';
import { EntryForm } from '../entry-form.tsx';
import { host } from '../session.ts';
import { LASTS, make, wishOf } from './wish.ts';

interface KeyFormProps {
  onMade(made: MadeKey): void;
  onCancel(): void;
}

/** Says what a key is to be, and makes it. */
export function KeyForm({ onMade, onCancel }: KeyFormProps) {
  useAgents();
  const name = useRef<HTMLInputElement>(null);
  const [isManager, setManager] = useState(false);
  useEffect(() => name.current?.focus(), []);
  const act = async (fields: FormData) => {
    const outcome = await make(wishOf(fields));
    if ('problem' in outcome) return outcome.problem;
    onMade(outcome.made);
  };
  return (
    <EntryForm label="A new key" yes={['Make the key', 'Making it …']} act={act} onCancel={onCancel}>
      <div class="entry-fields">
        <label>
          Name
          <input
            ref={name}
            name="name"
            required
            maxLength={64}
            pattern="[A-Za-z0-9._@\-]+"
            title="Letters, digits and . _ @ -"
            autocomplete="off"
            spellcheck={false}
          />
        </label>
        <label>
          Whose it is
          <input name="sub" maxLength={256} placeholder="its own" autocomplete="off" spellcheck={false} />
        </label>
        {/* Whoever came by a key, or a JWT, has to do with their own tenant alone. */}
        {host.value?.principal === undefined ? (
          <label>
            Tenant
            <input name="tenant" maxLength={64} placeholder="default" autocomplete="off" spellcheck={false} />
          </label>
        ) : null}
        <label>
          Ends
          <select name="lasts">
            {LASTS.map(([words], at) => (
              <option key={words} value={at}>
                {words}
              </option>
            ))}
          </select>
        </label>
      </div>
      <fieldset class="key-scopes">
        <legend>May</legend>
        {SCOPES.map((scope) => (
          <label key={scope}>
            <input
              type="checkbox"
              name="scopes"
              value={scope}
              defaultChecked={scope === 'chat'}
              onChange={scope === 'host' ? (event) => setManager(event.currentTarget.checked) : undefined}
            />
            <span>
              {scope} <span class="soft">{MEANS[scope]}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <div class="entry-fields">
        <label class="wide">
          Agents
          <input
            name="agents"
            disabled={isManager}
            placeholder={isManager ? 'all: it manages them' : 'all of its tenant'}
            list="known-agents"
            autocomplete="off"
            spellcheck={false}
          />
        </label>
      </div>
      <datalist id="known-agents">
        {(agents.value ?? []).slice(0, 100).map(({ spec }) => (
          <option key={spec.id} value={spec.id} />
        ))}
      </datalist>
      <details>
        <summary>Ways in, and limits</summary>
        <fieldset>
          <legend>Ways in; none is all</legend>
          {FRONTS.map((front) => (
            <label key={front}>
              <input type="checkbox" name="fronts" value={front} />
              <code>{front}</code>
            </label>
          ))}
        </fieldset>
        <fieldset>
          <legend>At most, by all that come by it; empty is no limit of its own</legend>
          <div class="entry-fields">
            {KEY_LIMITS.map((limit) => (
              <label key={limit}>
                {LIMIT_WORDS[limit]}
                <input name={`limits.${limit}`} type="number" inputMode="numeric" min={1} max={1e12} step={1} />
              </label>
            ))}
          </div>
        </fieldset>
      </details>
    </EntryForm>
  );
}

const MEANS = {
  chat: 'opens chats, among its own things',
  observe: 'looks at all that is its tenant’s',
  host: 'manages its tenant, keys included',
} as const;

const LIMIT_WORDS: Readonly<Record<KeyLimit, string>> = {
  chats: 'Chats a second',
  turns: 'Live turns',
  deltas: 'Events a second',
  bytes: 'Bytes a second',
  connections: 'Connections',
  tools: 'Tool calls a second',
};
