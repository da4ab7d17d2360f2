import { brokerHotEvents, brokerMachine } from '../machines/broker.machine.ts';
import { approvals } from './approvals/family.ts';
import { cluster } from './cluster/family.ts';
import { connectionChart } from './connection/facts.ts';
import { goals } from './goals/family.ts';
import { hosts } from './hosts/family.ts';
import { inspect } from './inspect/family.ts';
import { listed } from './kernel/facts.ts';
import type { Kernel } from './kernel/kernel.ts';
import type { Metric } from './kernel/metric.ts';
import { meetings } from './meetings/family.ts';
import { memory } from './memory/family.ts';
import { recording } from './recording/family.ts';
import { DISPATCHER } from './requests/dispatcher.ts';
import type { Chart, Family } from './requests/family.ts';
import { surfaces } from './surfaces/family.ts';
import { tools } from './tools/family.ts';
import { turns } from './turns/family.ts';
import { voice } from './voice/family.ts';

/**
 * Every family of the broker: THE list. In the order in which they hear that a connection has ended; when the broker stops
 * they end in reverse, so that a meeting ends before its voice.
 */
const FAMILIES = [
  inspect,
  recording,
  turns,
  goals,
  tools,
  approvals,
  voice,
  meetings,
  memory,
  surfaces,
  hosts,
  cluster,
] as const;

type OptionsOf<F> = F extends Family<infer O> ? O : never;
type Both<U> = (U extends unknown ? (of: U) => void : never) extends (of: infer I) => void ? I : never;

/** What families are told by whoever makes the broker. */
export type FamilyOptions = Omit<Both<OptionsOf<(typeof FAMILIES)[number]>>, 'charts'>;

const brokerChart: Chart = {
  machine: brokerMachine,
  hot: brokerHotEvents,
  facts: (_context, kernel) => ({
    label: undefined,
    startedAt: kernel.wall.of(kernel.startedAt),
    fields: {
      version: kernel.version,
      connections: kernel.clients.size,
      agents_attached: listed(kernel.attached.keys(), kernel.attached.size),
      ...kernel.hooks.brokerFacts(),
      draining: kernel.isDraining,
    },
  }),
};

/** Every chart that runs. */
export const charts: readonly Chart[] = [
  brokerChart,
  connectionChart,
  ...FAMILIES.flatMap((family: Family<never>) => family.charts ?? []),
];

/** Installs every family. Gives what they have for `/metrics`. */
export function installFamilies(kernel: Kernel, options: FamilyOptions): Metric[] {
  const dispatcher = kernel.get(DISPATCHER);
  return FAMILIES.flatMap((family: Family<FamilyOptions & { charts: readonly Chart[] }>) => {
    const {
      methods = {},
      notifications,
      inbound = {},
      metrics = [],
      ...hook
    } = family.install(kernel, { ...options, charts });
    dispatcher.install(methods, notifications);
    for (const [type, route] of Object.entries(inbound.routes ?? {})) kernel.inbound.routes.set(type, route);
    for (const [name, read] of Object.entries(inbound.notifications ?? {}))
      kernel.inbound.notifications.set(name, read);
    kernel.inbound.binary ??= inbound.binary;
    kernel.hooks.add(hook);
    return [...metrics];
  });
}
