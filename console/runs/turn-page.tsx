import { useState } from 'preact/hooks';
import type { RecordedTurn, RecordedTurnLog } from '../../protocol/recording.ts';
import { toOtlp } from '../../protocol/recording-otlp.ts';
import { visibleLine } from '../../protocol/visible.ts';
import { addressOf } from '../address.ts';
import { shownAt } from '../broker-clock.ts';
import { count, moment as momentWords, took } from '../format.ts';
import { Id } from '../id.tsx';
import { go, link, linkWith } from '../route.ts';
import { session } from '../session.ts';
import { promptOf, State } from './columns.tsx';
import { CopyLink } from './copy-link.tsx';
import { download, fileName } from './download.ts';
import { lasted, rateOf } from './fields.ts';
import { lastList } from './last-list.ts';
import { fieldsOf, type Moment, VIEWS } from './moment.ts';
import { openedFile } from './opened-file.ts';
import { TroubleNote } from './recorder-off.tsx';
import { runAgain } from './run-again.ts';
import { counted, perSecond } from './took.ts';
import { RunTurn } from './turn/run-turn.tsx';
import { FILE, type OpenedTurn, useTurn } from './turn-log.ts';
import { useMoment } from './use-moment.ts';

/** One recorded turn, at the moment that the address names. */
export function TurnPage({ id }: { id: string }) {
  const opened = useTurn(id);
  const [moment, goTo] = useMoment(['runs', id]);
  const { log } = opened;
  if (!log) return <NotThere id={id} opened={opened} />;
  const { turn } = log;
  return (
    <div class="run-page">
      <header class="run-head">
        <a class="run-back" href={lastList.value}>
          ‹ Runs
        </a>
        <h1>{promptOf(turn)}</h1>
        <Facts turn={turn} />
        <div class="run-acts">
          {opened.isFile ? null : <CopyLink address={addressOf(['runs', id], { ...fieldsOf(moment) })} />}
          <Exports log={log} />
          {opened.isFile ? null : <Again log={log} />}
          <CompareWith id={id} />
          <Views view={moment.view} onView={(view) => goTo({ view })} />
        </div>
        <Notes opened={opened} />
      </header>
      <RunTurn key={turn.turn_id} turn={turn} log={log} view={moment.view} event={moment.event} onMoment={goTo} />
    </div>
  );
}

function Facts({ turn }: { turn: RecordedTurn }) {
  const { agent_id, principal, host, front, started_at, tools, tools_failed, approvals, waited_ms, error } = turn;
  const rate = rateOf(turn);
  const failed = tools_failed > 0 ? `, ${count(tools_failed)} failed` : '';
  return (
    <p class="run-facts">
      <State turn={turn} /> · <code>{visibleLine(agent_id)}</code> · for{' '}
      {principal === undefined ? <Id id={host} /> : visibleLine(principal)}
      {front === undefined ? '' : ` by ${visibleLine(front)}`}
      {turn.broker === undefined ? '' : ` · at broker ${visibleLine(turn.broker)}`} · {momentWords(started_at)} ·{' '}
      {took(lasted(turn, shownAt.value))}
      {turn.first_token_ms === undefined ? '' : ` · first token ${took(turn.first_token_ms)}`} ·{' '}
      {counted(turn.tokens, 'token')}
      {rate === undefined ? '' : ` · ${perSecond(rate)}`}
      {tools > 0 ? ` · ${counted(tools, 'tool call')}${failed}` : ''}
      {approvals > 0 ? ` · ${counted(approvals, 'approval')}, ${took(waited_ms)} waited` : ''}
      {error ? (
        <span class="run-bad">
          {' · '}
          {visibleLine(`${error.code}: ${error.message}`.slice(0, 600))}
        </span>
      ) : null}
    </p>
  );
}

function Exports({ log }: { log: RecordedTurnLog }) {
  const { turn_id } = log.turn;
  const asJson = async () => {
    const { writeTurnFile } = await import('./turn-file.ts');
    download(fileName(turn_id, 'json'), writeTurnFile(log));
  };
  const asOtlp = () => download(fileName(turn_id, 'otlp.json'), JSON.stringify(toOtlp(log), null, 1));
  return (
    <>
      <button type="button" class="small" title="A file that this page opens again" onClick={asJson}>
        JSON
      </button>
      <button type="button" class="small" title="Spans, for a collector of OpenTelemetry" onClick={asOtlp}>
        OTLP
      </button>
    </>
  );
}

function Again({ log }: { log: RecordedTurnLog }) {
  const [isFull, setFull] = useState(false);
  const again = () => {
    if (runAgain(log)) go('chat');
    else setFull(true);
  };
  return (
    <>
      <button
        type="button"
        class="small"
        title="In the playground, where the prompt can be changed first"
        onClick={again}
      >
        Run again
      </button>
      {isFull ? <span role="alert">Too many chats are open in the playground: close one first.</span> : null}
    </>
  );
}

/** Takes the id, or the address, of another turn. */
function CompareWith({ id }: { id: string }) {
  const [isOpen, setOpen] = useState(false);
  const [other, setOther] = useState('');
  if (!isOpen)
    return (
      <button type="button" class="small" onClick={() => setOpen(true)}>
        Compare with …
      </button>
    );
  return (
    <form
      class="run-naming"
      onSubmit={(event) => {
        event.preventDefault();
        const b = idIn(other);
        if (b !== '') location.hash = linkWith(['runs', 'compare'], { a: id, b });
      }}
    >
      <input
        ref={(input) => input?.focus()}
        aria-label="The other turn’s id, or its link"
        placeholder="Id or link of the other turn"
        maxLength={2_000}
        value={other}
        onInput={(event) => setOther(event.currentTarget.value)}
      />
      <button type="submit" class="small primary">
        Compare
      </button>
    </form>
  );
}

/** The turn that a link, or an id, names. */
function idIn(text: string): string {
  const [, id] = /#\/runs\/([^?/]+)/.exec(text) ?? [];
  if (id === undefined) return text.trim();
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

function Notes({ opened: { isCut, isFile, trouble } }: { opened: OpenedTurn }) {
  return (
    <>
      {isFile ? (
        <p class="soft">
          From the file {visibleLine(openedFile.value?.name ?? '')}. It is in this page alone: a reload forgets it.
        </p>
      ) : null}
      {isCut ? <p class="soft">It has more records than this page holds; its last ones are not here.</p> : null}
      {trouble === undefined ? null : (
        <p class="soft" role="status">
          {trouble === 'off' ? 'This daemon records no turns' : `The daemon says: ${visibleLine(trouble.problem)}`}.
          What was loaded of this one stays here.
        </p>
      )}
    </>
  );
}

function Views({ view, onView }: { view: Moment['view']; onView(view: Moment['view']): void }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is of a form
    <div class="views" role="group" aria-label="View">
      {VIEWS.map((one) => (
        <button key={one} type="button" class="small" aria-pressed={view === one} onClick={() => onView(one)}>
          {one[0]?.toUpperCase()}
          {one.slice(1)}
        </button>
      ))}
    </div>
  );
}

function NotThere({ id, opened: { trouble } }: { id: string; opened: OpenedTurn }) {
  const back = (
    <p>
      <a href={link('runs')}>All turns</a>
    </p>
  );
  if (id === FILE)
    return (
      <div class="run-none">
        <h1>No file is open</h1>
        <p>A turn’s file is in the page alone, and a reload forgets it. Drop it here again.</p>
        {session.value.kind === 'connected' ? back : null}
      </div>
    );
  if (trouble === undefined) return <p class="empty">Asking the daemon …</p>;
  return (
    <div class="run-none">
      <h1>This turn is not there</h1>
      {trouble === 'off' ? (
        <TroubleNote trouble={trouble} />
      ) : (
        <p role="alert">
          The daemon says: {visibleLine(trouble.problem)}. The last turns are kept for as long as there is room for
          them; this one may have made room, or was under a daemon that was started anew since and kept none on disk.
        </p>
      )}
      <p class="soft">
        <code>{visibleLine(id)}</code>
      </p>
      {back}
    </div>
  );
}
