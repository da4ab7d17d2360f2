import { useComputed } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { visible } from '../../protocol/visible.ts';
import { CopyButton } from '../copy-button.tsx';
import { clockTime } from '../format.ts';
import type { Conversation } from './conversation.ts';
import type { LoggedFrame } from './frame-log.ts';
import { useStick } from './stick.ts';
import './frames.css';

/** So many are drawn while they run through. */
const FOLLOWED = 100;

/** The raw frames of a conversation: they stand still while the person reads further up. */
export function FramesView({ conversation }: { conversation: Conversation }) {
  const { box, atEnd, toEnd } = useStick<HTMLElement>();
  const shown = useRef<readonly LoggedFrame[]>([]);
  const stood = useRef(false);
  const frames = useComputed(() => {
    void conversation.frameVersion.value;
    const { frames: kept } = conversation.frames;
    if (atEnd.value) {
      stood.current = false;
      shown.current = kept.slice(-FOLLOWED);
    } else if (!stood.current) {
      // Whoever scrolls up finds everything, as it stood then.
      stood.current = true;
      shown.current = [...kept];
    }
    return shown.current;
  }).value;
  return (
    <section class="frames" aria-label="Raw frames">
      <p class="frames-bar">
        <span class="soft frames-count">
          {frames.length === 0
            ? 'No frames yet'
            : `The newest ${frames.length} frames${atEnd.value ? '' : ', standing still'}`}
        </span>
        <CopyButton
          class="quiet"
          label="Copy the frames"
          text={() => conversation.frames.toString()}
          isDisabled={frames.length === 0}
        />
        {atEnd.value ? null : (
          <button type="button" class="quiet" onClick={toEnd}>
            Newest
          </button>
        )}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by the keyboard */}
      <section class="frames-list" ref={box} tabIndex={0} aria-label="Frames">
        <ol>
          {frames.map((frame) => (
            <FrameRow key={frame.key} frame={frame} />
          ))}
        </ol>
      </section>
    </section>
  );
}

function FrameRow({ frame }: { frame: LoggedFrame }) {
  return (
    <li class={frame.direction}>
      <span class="direction">
        <span aria-hidden="true">{frame.direction === 'in' ? '←' : '→'}</span>
        <span class="hidden">{frame.direction === 'in' ? 'received' : 'sent'}</span>
      </span>
      <time class="soft">{clockTime(frame.at)}</time>
      <code>{visible(frame.text)}</code>
    </li>
  );
}
