import { useState } from 'preact/hooks';
import { approvals } from '../approval-rows.ts';
import { count } from '../format.ts';
import { Sheet } from '../sheet.tsx';
import { decideAll, type Tally } from './decide.ts';
import { type Group, readOnce } from './groups.ts';

/** Groups that are named. */
const MAX_NAMED = 8;

interface DenyManyProps {
  /** As they were when somebody asked for it: what comes later is not meant. */
  groups: readonly Group[];
  onDone(tally: Tally): void;
  onClose(): void;
}

/** Asks before many are denied, and says how many. */
export function DenyMany({ groups, onDone, onClose }: DenyManyProps) {
  const [isBusy, setBusy] = useState(false);
  const rows = groups
    .flatMap(({ waiting }) => waiting)
    .filter(({ id }) => approvals.value.get(id)?.status === 'pending');
  const agents = new Set(rows.map(({ agent_id }) => agent_id));
  const isHosts = agents.delete(null);
  const askers = [
    agents.size > 0 ? `${count(agents.size)} ${agents.size === 1 ? 'agent' : 'agents'}` : '',
    isHosts ? 'hosts' : '',
  ];
  const many = `${count(rows.length)} ${rows.length === 1 ? 'request' : 'requests'}`;
  return (
    <Sheet title={`Deny ${many}?`} onClose={onClose}>
      {(close) => (
        <>
          <p>
            From {askers.filter(Boolean).join(' and ')}. Whoever asked is told that it was denied, which cannot be taken
            back. What comes in meanwhile is not among them.
          </p>
          <ul>
            {groups.slice(0, MAX_NAMED).map((group) => (
              <Named key={group.key} group={group} />
            ))}
          </ul>
          {groups.length > MAX_NAMED ? <p class="more">and {count(groups.length - MAX_NAMED)} more kinds</p> : null}
          <p class="buttons">
            <button
              type="button"
              class="danger"
              aria-disabled={isBusy || rows.length === 0}
              onClick={async () => {
                if (isBusy || rows.length === 0) return;
                setBusy(true);
                const tally = await decideAll(
                  rows.map(({ id }) => id),
                  'deny',
                );
                close();
                onDone(tally);
              }}
            >
              {isBusy ? 'Denying …' : `Deny ${many}`}
            </button>
            {/* The first thing that Enter would do changes nothing. */}
            <button type="button" autofocus onClick={close}>
              Keep them
            </button>
          </p>
        </>
      )}
    </Sheet>
  );
}

function Named({ group: { waiting } }: { group: Group }) {
  const [row] = waiting;
  if (!row) return null;
  const { title, raiser } = readOnce(row);
  return (
    <li>
      {title} <span class="soft">from {raiser}</span>
      {waiting.length > 1 ? ` ×${count(waiting.length)}` : ''}
    </li>
  );
}
