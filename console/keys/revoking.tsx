import { useEffect, useRef, useState } from 'preact/hooks';
import type { KeyRow } from '../../protocol/keys.ts';
import { visibleLine } from '../../protocol/visible.ts';
import { count } from '../format.ts';
import { revoke } from './wish.ts';

interface RevokingProps {
  row: KeyRow;
  onRevoked(): void;
  onKept(): void;
}

/** Asks before a key is ended. */
export function Revoking({ row, onRevoked, onKept }: RevokingProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  useEffect(() => {
    if (!dialog.current?.open) dialog.current?.showModal();
  }, []);
  const end = async () => {
    if (isBusy) return;
    setBusy(true);
    setProblem('');
    const why = await revoke({ name: row.name, tenant: row.tenant });
    setBusy(false);
    if (why !== undefined) return setProblem(why);
    // While it is open nothing behind it can have the focus.
    dialog.current?.close();
    onRevoked();
  };
  return (
    <dialog ref={dialog} class="key-dialog" aria-labelledby="revoking" onClose={onKept}>
      <h2 id="revoking">
        Revoke the key <bdi>{visibleLine(row.name)}</bdi>?
      </h2>
      <p>
        {row.connections === 0
          ? 'Nobody is connected by it now. '
          : `${count(row.connections)} ${row.connections === 1 ? 'connection' : 'connections'} by it will be closed, and the turns end. `}
        It lets nobody in any more, and cannot be brought back.
      </p>
      <p class="key-problem" role="alert">
        {problem}
      </p>
      <div class="key-buttons">
        <button type="button" class="danger" aria-disabled={isBusy} onClick={end}>
          {isBusy ? 'Revoking …' : 'Revoke'}
        </button>
        {/* The first thing that Enter would do changes nothing. */}
        <button type="button" autofocus onClick={() => dialog.current?.close()}>
          Keep it
        </button>
      </div>
    </dialog>
  );
}
