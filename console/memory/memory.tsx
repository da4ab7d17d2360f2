import { useState } from 'preact/hooks';
import type { FactRow } from '../../client/browser.ts';
import { visible, visibleLine } from '../../protocol/visible.ts';
import { Asking, useAsked } from '../asked.tsx';
import { Ago, PageHead } from '../detail.tsx';
import { count, short } from '../format.ts';
import { NO_CONNECTION, whyNot } from '../refusal.ts';
import { host } from '../session.ts';
import './memory.css';

const POLL_MS = 5_000;
/** Facts that are asked for. */
const MOST = 50;

/** What was found for a text, or why nothing could be. */
type Found = { facts: readonly FactRow[]; truncated: boolean } | { problem: string };

/** The facts that this page's connection may see: found by words. */
export function Memory() {
  const [kept, setKept] = useState<number>();
  const [found, setFound] = useState<Found>();
  const [isBusy, setBusy] = useState(false);
  const refused = useAsked(POLL_MS, async (connection) => {
    setKept(await connection.request('memory.fact_count', {}));
  });
  const ask = async (event: SubmitEvent) => {
    event.preventDefault();
    const query = String(new FormData(event.currentTarget as HTMLFormElement).get('query') ?? '').trim();
    const connection = host.peek();
    if (isBusy || query === '') return;
    if (!connection) return setFound({ problem: NO_CONNECTION });
    setBusy(true);
    try {
      const { facts, truncated = false } = await connection.request('memory.query', { query, k: MOST });
      setFound({ facts, truncated });
    } catch (error) {
      setFound({ problem: whyNot(error, 'The connection was lost before the answer came. Ask again.') });
    }
    setBusy(false);
  };
  return (
    <div class="memory">
      <PageHead>
        <h1>
          Memory <span class="soft">{kept === undefined ? '' : kept === 1 ? '1 fact' : `${count(kept)} facts`}</span>
        </h1>
      </PageHead>
      <p class="soft memory-note">
        Facts belong to whoever kept them: an agent’s are told to that agent alone, a connection’s to that connection.
        This page finds those of its own connection, and all of them where the broker was built with a memory that is
        shared.
      </p>
      <Asking words={refused} isThere />
      <form class="memory-ask" aria-label="Find facts" onSubmit={ask}>
        <input
          type="search"
          name="query"
          aria-label="What the facts are about"
          placeholder="What is it about?"
          maxLength={4_096}
          required
        />
        <button type="submit" class="primary" aria-disabled={isBusy}>
          {isBusy ? 'Looking …' : 'Find'}
        </button>
      </form>
      <div aria-live="polite">{found ? <Findings found={found} /> : null}</div>
    </div>
  );
}

function Findings({ found }: { found: Found }) {
  if ('problem' in found) {
    return (
      <p class="problem" role="alert">
        {visibleLine(found.problem)}
      </p>
    );
  }
  if (found.facts.length === 0) return <p class="empty">No fact fits that.</p>;
  return (
    <>
      {found.truncated ? <p class="soft">There was no room for all of them in one answer.</p> : null}
      <ol class="fact-rows">
        {found.facts.map(({ id, subject, body, kind, created_at, speaker, score }) => (
          <li key={id}>
            <h2>{visibleLine(subject)}</h2>
            <p class="fact-body">{visible(body)}</p>
            <p class="soft">
              {visibleLine(kind)} · <Ago at={created_at} />
              {speaker === undefined ? '' : ` · said by ${visibleLine(speaker)}`} · score {short(score)}
            </p>
          </li>
        ))}
      </ol>
    </>
  );
}
