import type { ConnectionRow } from '../../protocol/status.ts';
import { Free } from '../table.tsx';

/** Whose a connection is, in words; undefined until it has said so. */
export function whoseIs({ principal, name }: ConnectionRow): string | undefined {
  if (!principal) return undefined;
  const { sub, tenant } = principal;
  const whose = tenant === 'default' ? sub : `${tenant}/${sub}`;
  return name === undefined || name === sub ? whose : `${whose} (${name})`;
}

/** Whose a connection is. */
export function Whose({ row }: { row: ConnectionRow }) {
  const whose = whoseIs(row);
  return whose === undefined ? <span class="soft">nobody yet</span> : <Free text={whose} />;
}
