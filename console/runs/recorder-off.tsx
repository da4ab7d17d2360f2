import { visibleLine } from '../../protocol/visible.ts';
import type { Trouble } from './ask.ts';

/** Why there are no turns: what to do about it. */
export function TroubleNote({ trouble }: { trouble: Trouble }) {
  if (trouble !== 'off')
    return (
      <p class="problem" role="alert">
        The daemon refused: {visibleLine(trouble.problem)}. It is tried again.
      </p>
    );
  return (
    <section class="runs-off">
      <h2>This daemon records no turns</h2>
      <p>It was started with recording off, or is of before there was any. Start it with</p>
      <pre>npm start -- --record memory</pre>
      <p>
        or <code>SWITCHBOARD_RECORD=memory</code>, and the last turns are here, whether or not anybody watched. With{' '}
        <code>disk</code> in place of <code>memory</code> they outlive a restart. A turn’s file can be opened here all
        the same: drop it on this page.
      </p>
    </section>
  );
}
