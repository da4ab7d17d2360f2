import { useMemo } from 'preact/hooks';
import type { RecordedTurn } from '../../../protocol/recording.ts';
import { durationOf } from '../../charts/sequence-row.tsx';
import { count } from '../../format.ts';
import type { TurnModel } from './use-turn.ts';
import { type Waterfall, type WaterfallRow, waterfallOf } from './waterfall.ts';

/** Lines that divide the whole, so that bars can be read off. */
const LINES = 4;

/** Where the time of a turn went: a bar for each thing that took some, named, with its duration. */
export function WaterfallView({ turn, model }: { turn: RecordedTurn; model: TurnModel }) {
  const { recorded, story, player } = model;
  const waterfall = useMemo(() => waterfallOf(turn, recorded, story), [turn, recorded, story]);
  const { from, until, rows, leftOut } = waterfall;
  const whole = Math.max(1, until - from);
  const now = Math.max(0, Math.min(100, ((player.at.value - from) / whole) * 100));
  return (
    <section class="waterfall" aria-label="Waterfall">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by the keyboard */}
      <div class="waterfall-scroll" tabIndex={0}>
        <div class="waterfall-whole">
          <div class="waterfall-scale" aria-hidden="true">
            <div>
              {Array.from({ length: LINES + 1 }, (_, line) => (
                <span key={line} style={{ left: `${(line / LINES) * 100}%` }}>
                  {durationOf((whole * line) / LINES)}
                </span>
              ))}
              <i style={{ left: `${now}%` }} />
            </div>
          </div>
          <ol class="waterfall-rows">
            {rows.map((row) => (
              <Row
                key={`${row.kind} ${row.segments[0]?.event} ${row.name}`}
                row={row}
                waterfall={waterfall}
                model={model}
              />
            ))}
          </ol>
        </div>
        {leftOut > 0 ? <p class="soft">{count(leftOut)} later ones are left out.</p> : null}
      </div>
    </section>
  );
}

function Row({ row, waterfall, model }: { row: WaterfallRow; waterfall: Waterfall; model: TurnModel }) {
  const { kind, name, segments, took, isOpen, tone, note } = row;
  const { from, until } = waterfall;
  const whole = Math.max(1, until - from);
  const lasted = isOpen ? `${durationOf(took)} so far` : durationOf(took);
  const start = segments[0]?.from ?? from;
  return (
    <li>
      <button type="button" class="waterfall-row" onClick={() => model.player.seekEvent(segments[0]?.event ?? 0)}>
        <span class="waterfall-name" data-tone={tone === 'bad' ? 'bad' : undefined}>
          <bdi>{name}</bdi>
        </span>
        <span class="waterfall-took">{lasted}</span>
        <span class={`waterfall-bars ${kind}`}>
          {segments.map((segment) => (
            <i
              key={segment.event}
              data-tone={tone}
              class={isOpen ? 'open' : undefined}
              style={{
                left: `${((segment.from - from) / whole) * 100}%`,
                width: `${((segment.until - segment.from) / whole) * 100}%`,
              }}
            />
          ))}
          {note === '' ? null : (
            <span
              class="waterfall-note"
              data-tone={tone === 'bad' ? 'bad' : undefined}
              style={notePlace(row, from, whole)}
            >
              {note}
            </span>
          )}
        </span>
        <span class="hidden">, from +{durationOf(start - from)}</span>
      </button>
    </li>
  );
}

/** Beside the bar, where there is more room. */
function notePlace({ segments }: WaterfallRow, from: number, whole: number) {
  const before = (((segments[0]?.from ?? from) - from) / whole) * 100;
  const end = (((segments.at(-1)?.until ?? from) - from) / whole) * 100;
  if (100 - end >= before) return { left: `calc(${end}% + 6px)`, maxWidth: `calc(${100 - end}% + 44px)` };
  return { right: `calc(${100 - before}% + 6px)`, maxWidth: `calc(${before}% - 8px)` };
}
