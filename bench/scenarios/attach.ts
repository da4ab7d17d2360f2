import { connectHost, type Host } from '../../client/node.ts';
import { number, withSpread } from '../report.ts';
import type { Outcome, Scenario, Setting } from '../scenario.ts';
import type { Sizes } from '../sizes.ts';
import { median } from '../stats.ts';
import { startDaemon } from '../targets/known.ts';
import type { Cores } from '../targets/pinning.ts';
import { Target } from '../targets/target.ts';

const AGENT = 'bridged';
const LENGTH = 20;
const PER_SECOND = 1_000;
/** What one delta, and one session, may cost the bridge; bytes of it, its programs not counted. */
const [MOST_US, MOST_BYTES] = [60, 1024 * 1024];
/** An agent that does no more than the protocol asks for, and needs little memory: there are many of it. */
const SMALL = [
  ...['/bin/sh', '-c'],
  `while read -r line; do
    id=\${line#*'"id":'}; id=\${id%%[,\\}]*}
    case "$line" in
      *'"initialize"'*) result='{"protocolVersion":1,"agentCapabilities":{}}' ;;
      *'"session/new"'*) result='{"sessionId":"one"}' ;;
      *) result='{"stopReason":"end_turn"}' ;;
    esac
    printf '{"jsonrpc":"2.0","id":%s,"result":%s}\\n' "$id" "$result"
  done`,
];

/** What joining a program that speaks ACP costs the bridge. */
export const attachScenario: Scenario = {
  name: 'attach',
  does: 'switchboard attach on stdio: CPU a delta of the bridge, and its memory a session',
  run,
};

type Rhythm = { name: string; deltas: (sizes: Sizes) => number; perSecond?: number };

const RHYTHMS: readonly Rhythm[] = [
  { name: 'as fast as it goes', deltas: ({ deltasAlone }) => deltasAlone },
  {
    name: `${number(PER_SECOND, 0)} a second`,
    deltas: ({ pacedSeconds }) => Math.round(pacedSeconds * PER_SECOND),
    perSecond: PER_SECOND,
  },
];

async function run({ cores, sizes }: Setting): Promise<Outcome> {
  const daemon = await startDaemon(cores);
  const host = await connectHost({ url: daemon.url, hostToken: daemon.tokens?.host, management: true });
  try {
    const program = [process.execPath, new URL('../targets/acp-agent.js', import.meta.url).pathname];
    const costs = await using(await startBridge(daemon, host, program, cores), (bridge) => cpu(bridge, daemon, sizes));
    const bytes = await using(await startBridge(daemon, host, SMALL, cores), (bridge) => memory(bridge, daemon, sizes));
    const most = Math.max(...[...costs.values()].map(median));
    return {
      tables: [
        {
          title: 'A program that speaks ACP, attached: the bridge alone',
          columns: ['', 'CPU µs/delta'],
          rows: [...costs].map(([name, each]) => [name, withSpread(each, 2)]),
        },
        {
          title: 'A session with a process of its own, which is not counted',
          columns: ['', 'KB on the heap and outside it', 'KB resident'],
          rows: [[`of ${sizes.attached}`, number(bytes.held / 1024, 1), number(bytes.resident / 1024, 1)]],
        },
      ],
      goals: [
        {
          what: 'CPU of a delta, by the bridge',
          wanted: `≤ ${MOST_US} µs`,
          measured: `${number(most, 1)} µs`,
          met: most <= MOST_US,
        },
        {
          what: 'memory of a session, of the bridge',
          wanted: '≤ 1 MiB',
          measured: `${number(bytes.resident / 1024, 1)} KB`,
          met: bytes.resident <= MOST_BYTES,
        },
      ],
      raw: { costs: Object.fromEntries(costs), bytes },
    };
  } finally {
    await host.close();
    daemon.stop();
  }
}

async function startBridge(daemon: Target, host: Host, program: string[], cores: Cores | undefined): Promise<Target> {
  const { token } = await host.agents.upsert({ id: AGENT, rotateToken: true });
  return Target.start({
    name: 'bridge',
    command: ['bench/targets/bridge.js', 'HOME', daemon.url, AGENT, ...program],
    env: { AGENT_TOKEN: token ?? '' },
    stamps: false,
    cores,
  });
}

async function using<T>(target: Target, work: (target: Target) => Promise<T>): Promise<T> {
  try {
    return await work(target);
  } finally {
    target.stop();
  }
}

/** µs a delta, in each rhythm, a number for each round; the first round does not count. */
async function cpu(bridge: Target, daemon: Target, sizes: Sizes): Promise<Map<string, number[]>> {
  const host = await connectHost({ url: daemon.url, token: daemon.tokens?.daemon });
  const costs = new Map<string, number[]>(RHYTHMS.map(({ name }) => [name, []]));
  for (let round = 0; round <= sizes.rounds; round += 1)
    for (const { name, deltas, perSecond } of RHYTHMS) {
      const wanted = { deltas: deltas(sizes), length: LENGTH, perSecond };
      const before = await bridge.cpu();
      const text = await host.chat(AGENT, JSON.stringify(wanted), { sessionId: 'one' }).text();
      const after = await bridge.cpu();
      if (text.length !== wanted.deltas * LENGTH)
        throw new Error(`${wanted.deltas * LENGTH} characters were said, and ${text.length} arrived`);
      if (round > 0) costs.get(name)?.push((after.usedUs - before.usedUs) / wanted.deltas);
    }
  await host.close();
  return costs;
}

/** What a session holds that has had a turn, with a tool of its host's on offer; some were there before. */
async function memory(bridge: Target, daemon: Target, sizes: Sizes): Promise<{ held: number; resident: number }> {
  const host = await connectHost({ url: daemon.url, token: daemon.tokens?.daemon });
  await host.tool('clock', { parameters: { type: 'object' } }, () => 'late');
  const begin = async (name: string, count: number) => {
    for (let at = 0; at < count; at += 1) await host.chat(AGENT, 'x', { sessionId: `${name}-${at}` }).text();
  };
  await begin('first', Math.ceil(sizes.attached / 4));
  const before = await bridge.memory();
  await begin('then', sizes.attached);
  const after = await bridge.memory();
  await host.close();
  const held = after.heapUsed + after.external - before.heapUsed - before.external;
  return { held: held / sizes.attached, resident: (after.rss - before.rss) / sizes.attached };
}
