import type { ConnectionRow } from '../../protocol/status.ts';
import { Free } from '../table.tsx';

/** Whose a connection is, in words. */
export function Whose({ row: { principal, name } }: { row: ConnectionRow }) {
  if (!principal) return <span class="soft">nobody yet</span>;
  const { sub, tenant } = principal;
  const whose = tenant === 'default' ? sub : `${tenant}/${sub}`;
  return <Free text={name === undefined || name === sub ? whose : `${whose} (${name})`} />;
}
