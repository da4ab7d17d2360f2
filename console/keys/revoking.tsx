import type { KeyRow } from '../../protocol/keys.ts';
import { visibleLine } from '../../protocol/visible.ts';
import { Confirm } from '../confirm.tsx';
import { count } from '../format.ts';
import { revoke } from './wish.ts';

interface RevokingProps {
  row: KeyRow;
  onRevoked(): void;
  onKept(): void;
}

/** Asks before a key is ended. */
export function Revoking({ row, onRevoked, onKept }: RevokingProps) {
  return (
    <Confirm
      title={
        <>
          Revoke the key <bdi>{visibleLine(row.name)}</bdi>?
        </>
      }
      yes={['Revoke', 'Revoking …']}
      no="Keep it"
      act={() => revoke({ name: row.name, tenant: row.tenant })}
      onDone={onRevoked}
      onKept={onKept}
    >
      {row.connections === 0
        ? 'Nobody is connected by it now. '
        : `${count(row.connections)} ${row.connections === 1 ? 'connection' : 'connections'} by it will be closed, and the turns end. `}
      It lets nobody in any more, and cannot be brought back.
    </Confirm>
  );
}
