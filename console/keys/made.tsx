import type { MadeKey } from '../../protocol/keys.ts';
import { visibleLine } from '../../protocol/visible.ts';
import { ShownOnce } from '../shown-once.tsx';

/** A key that was just made, and its secret. */
export function Made({ made, onDone }: { made: MadeKey; onDone(): void }) {
  return (
    <ShownOnce
      title={
        <>
          The key <bdi>{visibleLine(made.key.name)}</bdi>
        </>
      }
      secret={made.token}
      note="Whoever has it is let in by it. The daemon keeps only a hash: it cannot show it again."
      onDone={onDone}
    />
  );
}
