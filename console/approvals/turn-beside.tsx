import { useEffect, useState } from 'preact/hooks';
import { visible, visibleLine } from '../../protocol/visible.ts';
import { age, count, moment, words } from '../format.ts';
import { Id } from '../id.tsx';
import { link } from '../route.ts';
import { host } from '../session.ts';
import { askWords, type TurnWords } from './turn-words.ts';

/** Whoever only walks by asks for nothing: a record may be long. Milliseconds. */
const PAUSE_MS = 150;

/** The turn that waits: what it was asked, and what it said last. */
export function TurnBeside({ turnId }: { turnId: string }) {
  const [told, setTold] = useState<TurnWords>();
  const connection = host.value;
  useEffect(() => {
    if (!connection) return;
    const over = new AbortController();
    const timer = setTimeout(async () => {
      const words = await askWords(connection, turnId, over.signal);
      if (!over.signal.aborted) setTold(words);
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      over.abort();
    };
  }, [connection, turnId]);
  return (
    <section class="beside" aria-label="Its turn" aria-busy={told === undefined}>
      <h3>The turn that waits</h3>
      {told === undefined ? <p class="soft">Asking …</p> : <Words told={told} turnId={turnId} />}
    </section>
  );
}

function Words({ told, turnId }: { told: TurnWords; turnId: string }) {
  if (told.kind === 'failed') return <p class="soft">Nothing could be read of it: {visibleLine(told.problem)}</p>;
  if (told.kind === 'live') {
    return (
      <>
        {told.row === undefined ? null : (
          <p>
            {words(told.row.status)} · since {moment(told.row.created_at * 1_000)} · {count(told.row.seq)}{' '}
            {told.row.seq === 1 ? 'event' : 'events'} so far
            {told.row.front === undefined ? null : ` · by the front ${visibleLine(told.row.front)}`}
            {told.row.host_client_id === null ? ' · nobody listens' : null}
          </p>
        )}
        <p class="soft">{told.why}</p>
      </>
    );
  }
  const { turn, last, isCut } = told;
  return (
    <>
      <p class="soft">
        {visibleLine(turn.agent_id)} for {visibleLine(turn.principal ?? turn.host)} · since {moment(turn.started_at)} ·{' '}
        {count(turn.tools)} {turn.tools === 1 ? 'tool' : 'tools'}
        {turn.tools_failed > 0 ? `, ${count(turn.tools_failed)} failed` : ''} · {count(turn.approvals)}{' '}
        {turn.approvals === 1 ? 'approval' : 'approvals'}
        {turn.waited_ms >= 1_000 ? `, waited ${age(turn.waited_ms)}` : ''}
      </p>
      <h4>Prompt</h4>
      <pre class="words">{visible(turn.prompt)}</pre>
      <h4>Its last words</h4>
      {last === '' ? (
        <p class="soft">It has said nothing yet.</p>
      ) : (
        <pre class="words">
          {isCut ? '… ' : ''}
          {visible(last)}
        </pre>
      )}
      <p>
        <a href={link('runs', turnId)}>
          The whole turn <Id id={turnId} />
        </a>
      </p>
    </>
  );
}
