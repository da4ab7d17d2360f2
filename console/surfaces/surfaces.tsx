import { now } from '../clock.ts';
import { age } from '../format.ts';
import { link, route } from '../route.ts';
import { type Column, Table } from '../table.tsx';
import { type ListedSurface, surfaces } from './rows.ts';
import { shown } from './shown.ts';
import { SurfacePane } from './surface-pane.tsx';
import { useSurfaces } from './watch.ts';
import './surfaces.css';

/** Rows that are drawn. */
const MAX_ROWS = 300;

/** The surfaces that agents have put up, and the one that was chosen. */
export function Surfaces() {
  const problem = useSurfaces();
  const chosen = route.value[1];
  const rows = surfaces.value && [...surfaces.value.values()].sort((one, other) => other.createdAt - one.createdAt);
  return (
    <div class={chosen === undefined ? 'surfaces' : 'surfaces has-chosen'}>
      <section class="surface-list" aria-labelledby="surfaces">
        <h1 id="surfaces">Surfaces</h1>
        {problem === undefined ? null : (
          <p class="problem" role="alert">
            The surfaces cannot be listed: {shown(problem)}. It is tried again.
          </p>
        )}
        {rows ? (
          <Table
            label="Surfaces"
            columns={COLUMNS}
            rows={rows}
            most={MAX_ROWS}
            keyOf={({ surfaceId }) => surfaceId}
            empty={
              <>
                None yet. A surface is there as soon as an agent, or a host for it, sends <code>a2ui.apply</code> with a{' '}
                <code>createSurface</code> envelope of A2UI 0.9, or <code>a2ui.ingest</code> with what an A2A agent
                answered.
              </>
            }
          />
        ) : null}
      </section>
      {chosen === undefined ? (
        rows && rows.length > 0 ? (
          <p class="surface-none soft">Choose a surface to see it.</p>
        ) : null
      ) : (
        <SurfacePane key={chosen} surfaceId={chosen} />
      )}
    </div>
  );
}

const COLUMNS: readonly Column<ListedSurface>[] = [
  {
    title: 'Surface',
    by: ({ surfaceId }) => surfaceId,
    isHeading: true,
    cell: ({ surfaceId }) => (
      <a href={link('surfaces', surfaceId)} aria-current={route.value[1] === surfaceId ? 'true' : undefined}>
        <code>{shown(surfaceId)}</code>
      </a>
    ),
  },
  {
    title: 'Owner',
    by: ({ agentId, endpoint }) => `${agentId ?? 'hosts'} ${endpoint ?? ''}`,
    cell: ({ agentId, endpoint }) => (
      <span class="surface-owner" title={endpoint === undefined ? undefined : shown(endpoint)}>
        {agentId === null ? 'hosts' : <code>{shown(agentId)}</code>}
        {endpoint === undefined ? null : ` · A2A ${shown(hostOf(endpoint))}`}
      </span>
    ),
  },
  { title: 'Components', isNumber: true, by: ({ components }) => components, cell: ({ components }) => components },
  {
    title: 'Updated',
    by: ({ updatedAt }) => -updatedAt,
    cell: ({ updatedAt, isGone }) =>
      isGone ? <span class="surface-gone">deleted</span> : `${age(now.value - updatedAt)} ago`,
  },
];

function hostOf(endpoint: string): string {
  try {
    return new URL(endpoint).host;
  } catch {
    return endpoint;
  }
}
