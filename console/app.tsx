import type { ComponentType } from 'preact';
import { Approvals } from './approvals/approvals.tsx';
import { Charts } from './charts/charts.tsx';
import { Playground } from './chat/playground.tsx';
import { FileAlone } from './file-alone.tsx';
import { Keys } from './keys/keys.tsx';
import { lazyPage } from './lazy-page.tsx';
import { Overview } from './overview/overview.tsx';
import { route } from './route.ts';
import { openedFile } from './runs/opened-file.ts';
import { session } from './session.ts';
import { Shell } from './shell.tsx';
import { SignIn } from './sign-in.tsx';
import { Surfaces } from './surfaces/surfaces.tsx';

/** One page of the console: its place in the address, its name, what it shows. */
export interface Tab {
  path: string;
  title: string;
  page: ComponentType;
  /** It stands behind *More*: the bar has room for so many. */
  isMore?: true;
}

const Brokers = lazyPage(() => import('./brokers/brokers.tsx').then(({ Brokers }) => Brokers));
const Runs = lazyPage(() => import('./runs/runs.tsx').then((page) => page.Runs));
const Agents = lazyPage(() => import('./agents/agents.tsx').then(({ Agents }) => Agents));
const Connections = lazyPage(() => import('./connections/connections.tsx').then(({ Connections }) => Connections));
const Events = lazyPage(() => import('./events/events.tsx').then(({ Events }) => Events));
const Meetings = lazyPage(() => import('./meetings/meetings.tsx').then(({ Meetings }) => Meetings));
const Memory = lazyPage(() => import('./memory/memory.tsx').then(({ Memory }) => Memory));
const Methods = lazyPage(() => import('./methods/methods.tsx').then(({ Methods }) => Methods));
const Voice = lazyPage(() => import('./voice/voice.tsx').then(({ Voice }) => Voice));

export const tabs: readonly Tab[] = [
  { path: 'overview', title: 'Overview', page: Overview },
  { path: 'runs', title: 'Runs', page: Runs },
  { path: 'charts', title: 'Charts', page: Charts },
  { path: 'approvals', title: 'Approvals', page: Approvals },
  { path: 'chat', title: 'Playground', page: Playground },
  { path: 'surfaces', title: 'Surfaces', page: Surfaces },
  { path: 'keys', title: 'Keys', page: Keys },
  { path: 'agents', title: 'Agents', page: Agents, isMore: true },
  { path: 'connections', title: 'Connections', page: Connections, isMore: true },
  { path: 'brokers', title: 'Brokers', page: Brokers, isMore: true },
  { path: 'events', title: 'Events', page: Events, isMore: true },
  { path: 'meetings', title: 'Meetings', page: Meetings, isMore: true },
  { path: 'memory', title: 'Memory', page: Memory, isMore: true },
  { path: 'voice', title: 'Voice', page: Voice, isMore: true },
  { path: 'methods', title: 'Methods', page: Methods, isMore: true },
];

/** The console: asks for a token where it has none, and shows the tab that the address names. */
export function App() {
  const { value } = session;
  if (value.kind === 'signed-out' || (value.kind === 'connecting' && value.typed))
    return route.value[0] === 'runs' && openedFile.value ? <FileAlone page={Runs} /> : <SignIn />;
  const tab = tabs.find(({ path }) => path === route.value[0]) ?? tabs[0];
  if (!tab) return null;
  const Page = tab.page;
  return (
    <Shell tabs={tabs} current={tab}>
      <Page />
    </Shell>
  );
}
