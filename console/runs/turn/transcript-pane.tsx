import { Fragment } from 'preact';
import { memo } from 'preact/compat';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { visibleLine } from '../../../protocol/visible.ts';
import { visibleAnswer } from '../../../protocol/visible-answer.ts';
import { durationOf } from '../../charts/sequence-row.tsx';
import { piecesOf } from '../../chat/text-block.ts';
import { count } from '../../format.ts';
import { preview } from '../../preview.ts';
import type { Player } from './player.ts';
import { markAt } from './replay.ts';
import { shownText } from './shown-text.ts';
import type { TurnEntry, TurnEntryOf } from './transcript.ts';
import type { TurnModel } from './use-turn.ts';

/** So many entries before the moment are shown. */
const SHOWN = 200;

/** What was said and done up to the moment. */
export function TranscriptPane({ model: { entries, player } }: { model: TurnModel }) {
  const box = useRef<HTMLDivElement>(null);
  const [all, setAll] = useState(false);
  const until = player.moments.value[player.index.value]?.until ?? Number.POSITIVE_INFINITY;
  const now = player.at.value;
  const isPlaying = player.isPlaying.value;
  const last = markAt(entries, until);
  const begin = all ? 0 : Math.max(0, last + 1 - SHOWN);
  const later = entries.length - last - 1;
  // What is said at the moment is in sight.
  useLayoutEffect(() => {
    box.current?.scrollTo({ top: box.current.scrollHeight });
  }, [until, last]);
  return (
    <section class="turn-transcript" aria-label="Transcript">
      <header>
        <h2>Transcript</h2>
        <span class="soft">{later > 0 ? `${count(later)} more to come` : 'all of it'}</span>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by the keyboard */}
      <div class="pane-scroll" ref={box} tabIndex={0}>
        {begin > 0 ? (
          <button type="button" class="small" onClick={() => setAll(true)}>
            Show {count(begin)} earlier ones
          </button>
        ) : null}
        {entries.slice(begin, last + 1).map((entry, place) => (
          <EntryView
            key={`${entry.kind} ${entry.sequence}`}
            entry={entry}
            {...(entry.kind === 'text' ? { until, now: isPlaying ? now : Number.POSITIVE_INFINITY } : {})}
            isEnded={'end' in entry && entry.end !== undefined && entry.end.sequence <= until}
            isLast={begin + place === last}
            player={player}
          />
        ))}
      </div>
    </section>
  );
}

interface EntryProps {
  entry: TurnEntry;
  /** Of a text: the last record of the moment, and while it plays the time, Unix milliseconds. */
  until?: number;
  now?: number;
  /** A call: it had its answer. */
  isEnded: boolean;
  isLast: boolean;
  player: Player;
}

/** One piece. Of very many, one step changes few. */
const EntryView = memo(({ entry, until = 0, now = 0, isEnded, isLast, player }: EntryProps) => {
  const at = isLast ? ' at' : '';
  switch (entry.kind) {
    case 'prompt':
      return (
        <p class={`said by-person${at}`} dir="auto">
          <span class="hidden">Prompt: </span>
          <Breakable text={entry.text} />
        </p>
      );
    case 'text':
      return <Text entry={entry} until={until} now={now} at={at} />;
    case 'tool':
    case 'wait':
      return <Call entry={entry} isEnded={isEnded} at={at} onGo={() => player.seekEvent(entry.sequence)} />;
    case 'note':
      return (
        <details class={`turn-note${at}`}>
          <summary>{visibleLine(entry.label)}</summary>
          <Part title="Details" value={entry.detail} />
        </details>
      );
    case 'end':
      return (
        <p class={`turn-end${at}`} data-tone={entry.isBad ? 'bad' : 'good'}>
          <strong>{visibleLine(entry.title)}</strong>
          {entry.message === '' ? null : (
            <>
              {': '}
              <span class="turn-end-message" dir="auto">
                {visibleAnswer(entry.message)}
              </span>
            </>
          )}
        </p>
      );
  }
});

function Text({ entry, until, now, at }: { entry: TurnEntryOf<'text'>; until: number; now: number; at: string }) {
  const { text, before, cut } = shownText(entry.pieces, until, now);
  return (
    <div class={`said by-agent${at}`} dir="auto">
      {before > 0 ? <p class="soft">{count(before)} characters before this are not shown.</p> : null}
      <Breakable text={text} />
      {cut > 0 ? <p class="soft">{count(cut)} characters were not recorded.</p> : null}
    </div>
  );
}

/** A tool call, or a wait for a person. Before its answer has come it has none. */
function Call(props: { entry: TurnEntryOf<'tool' | 'wait'>; isEnded: boolean; at: string; onGo(): void }) {
  const { entry, isEnded, at, onGo } = props;
  const { kind, subject, given, end, took } = entry;
  const [isOpen, setOpen] = useState(false);
  const ended = isEnded ? end : undefined;
  const tone = ended ? (ended.isBad ? 'bad' : 'good') : 'warn';
  const waits = kind === 'wait' ? 'waits for a person' : 'runs';
  return (
    <details class={`turn-call ${kind}${at}`} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <span class="soft">{kind === 'wait' ? 'approval' : 'tool'}</span> <code>{subject}</code>{' '}
        <span class="turn-call-end" data-tone={tone}>
          {ended ? `→ ${ended.words}` : waits}
        </span>
        {ended && took !== undefined ? <span class="soft"> after {durationOf(took)}</span> : null}
      </summary>
      {isOpen ? (
        <>
          {given === undefined ? null : <Part title={kind === 'wait' ? 'Asked for' : 'Parameters'} value={given} />}
          {ended?.said === undefined || ended.said === '' ? null : <Part title="Result" value={ended.said} />}
          <button type="button" class="small" onClick={onGo}>
            Go there
          </button>
        </>
      ) : null}
    </details>
  );
}

function Part({ title, value }: { title: string; value: unknown }) {
  return (
    <>
      <p class="soft">{title}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by the keyboard */}
      <div class="turn-part" tabIndex={0}>
        {preview(value)}
      </div>
    </>
  );
}

/** A long word may be broken anywhere: laying it out takes time that grows with the square of its length. */
function Breakable({ text }: { text: string }) {
  const [first, ...others] = piecesOf(visibleAnswer(text));
  return (
    <>
      {first}
      {others.map((piece, place) => (
        <Fragment key={place}>
          <wbr />
          {piece}
        </Fragment>
      ))}
    </>
  );
}
