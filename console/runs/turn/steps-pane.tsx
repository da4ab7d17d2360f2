import { useEffect, useRef } from 'preact/hooks';
import { durationOf } from '../../charts/sequence-row.tsx';
import { ROW_PX, windowOf } from '../../charts/sequence-window.ts';
import { useScroll } from '../../use-scroll.ts';
import { markAt } from './replay.ts';
import type { TurnModel } from './use-turn.ts';

/** The transitions of the turn's actors, to jump by. */
export function StepsPane({ model: { steps, player, recorded } }: { model: TurnModel }) {
  const box = useRef<HTMLDivElement>(null);
  const scroll = useScroll(box);
  const until = player.moments.value[player.index.value]?.until ?? Number.POSITIVE_INFINITY;
  const current = markAt(steps, until);
  const { first, end, before, behind } = windowOf(steps.length, scroll.top, scroll.height, undefined);
  const start = recorded.messages.messages[0]?.at ?? recorded.turn?.first.started_at ?? 0;
  useEffect(() => {
    const element = box.current;
    if (!element || current < 0) return;
    const top = current * ROW_PX;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + ROW_PX > element.scrollTop + element.clientHeight)
      element.scrollTop = top + ROW_PX - element.clientHeight;
  }, [current]);
  return (
    <section class="turn-steps" aria-label="Transitions">
      <header>
        <h2>Transitions</h2>
        <span class="soft">{steps.length === 0 ? 'none' : `${current + 1} of ${steps.length}`}</span>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by the keyboard */}
      <div class="pane-scroll" ref={box} tabIndex={0}>
        <ol style={{ padding: `${before}px 0 ${behind}px` }}>
          {steps.slice(first, end).map(({ sequence, at, who, way, event, isBad }, place) => (
            <li key={sequence} class={first + place > current ? 'later' : undefined}>
              <button
                type="button"
                class="step-row"
                aria-current={first + place === current ? 'step' : undefined}
                onClick={() => player.seekEvent(sequence)}
                title={event}
              >
                <time>{durationOf(at - start)}</time>
                <span class="step-who">{who}</span>
                <span class="step-way" data-tone={isBad ? 'bad' : undefined}>
                  {way}
                </span>
              </button>
            </li>
          ))}
        </ol>
      </div>
    </section>
  );
}
