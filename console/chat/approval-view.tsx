import { visibleLine } from '../../protocol/visible.ts';
import { deadlineOf, moment } from '../format.ts';
import type { Conversation } from './conversation.ts';
import type { ApprovalState, EntryOf } from './transcript.ts';

/** What the agent asks for, and the two answers. */
export function ApprovalView({ entry, conversation }: { entry: EntryOf<'approval'>; conversation: Conversation }) {
  const state = entry.state.value;
  const open = state.kind === 'pending' || state.kind === 'deciding';
  const decide = (approve: boolean) => (event: MouseEvent) => {
    if (entry.state.value.kind !== 'pending') return;
    // The buttons go away with the decision: the focus moves on to where the person writes.
    const pane = (event.currentTarget as HTMLElement).closest('.pane');
    void conversation.decide(entry.approvalId, approve).then(() => {
      if (entry.state.value.kind !== 'pending') pane?.querySelector('textarea')?.focus();
    });
  };
  return (
    <section class={`asking ${open ? 'open' : 'settled'}`} aria-label={`Approval: ${entry.what}`}>
      <p>
        <span class="kind">approval</span> {entry.what}
      </p>
      {entry.details === '' ? null : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by the keyboard
        // biome-ignore lint/a11y/useSemanticElements: no fields are in it, and of landmarks there may be one of a name
        <div role="group" class="code" tabIndex={0} aria-label="Details">
          {entry.details}
        </div>
      )}
      {open ? (
        <p class="asking-answers">
          <button type="button" class="primary" aria-disabled={state.kind === 'deciding'} onClick={decide(true)}>
            Approve
          </button>
          <button type="button" aria-disabled={state.kind === 'deciding'} onClick={decide(false)}>
            Deny
          </button>
          <Deadline deadline={entry.deadline} />
        </p>
      ) : (
        <p>{outcome(state)}</p>
      )}
      {state.kind === 'pending' && state.problem ? <p role="alert">{state.problem}</p> : null}
    </section>
  );
}

/** What an agent calls a deadline is its own: a time is shown as one, anything else as it is. */
function Deadline({ deadline }: { deadline: number | string | undefined }) {
  if (deadline === undefined) return null;
  const at = deadlineOf(deadline);
  return <span class="soft">until {at === undefined ? visibleLine(String(deadline)) : moment(at)}</span>;
}

const OUTCOMES = {
  approve: 'Approved.',
  deny: 'Denied.',
  timeout: 'Nobody answered in time.',
  withdrawn: 'Withdrawn: nobody waits for it any more.',
};

function outcome(state: ApprovalState): string {
  if (state.kind === 'withdrawn') return 'Not answered: the turn is over.';
  if (state.kind !== 'resolved') return '';
  return OUTCOMES[state.resolution];
}
