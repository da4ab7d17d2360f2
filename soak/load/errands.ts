import { setTimeout as pause } from 'node:timers/promises';
import { misbehave } from './garbage.ts';
import { RARE } from './kinds.ts';
import type { Load } from './load.ts';

const NOT_PENDING = -32016;

/** Raises an approval, has it decided or withdraws it by leaving. */
async function approve(load: Load): Promise<void> {
  const host = load.take();
  if (!host) return;
  const { client } = host;
  const { code, result } = await client.call('host.request_approval', { action: 'errand', details: { a: 1 } });
  if (code !== 0) load.ledger.breach(`host.request_approval came to ${code}`);
  else if (load.random.chance(0.2)) {
    await client.cut();
    await host.connect();
  } else {
    const decide = { approval_id: result.id, resolution: load.random.pick(['approve', 'deny']) };
    const codes = [];
    for (const resolver of [load.manager, client])
      codes.push((await resolver.call('host.resolve_approval', decide)).code);
    if (codes.join() !== `0,${NOT_PENDING}`) load.ledger.breach(`an approval was decided twice: ${codes.join()}`);
  }
  load.ledger.count('approvals raised');
  load.give(host);
}

/** Looks at everything, and changes the registry. */
async function manage({ manager, ledger, plan, random }: Load): Promise<void> {
  const id = `spare-${plan.index}-${random.between(0, 4)}`;
  const calls: [string, object][] = [
    ['agents.upsert', { id, metadata: { now: Date.now() } }],
    ['agents.list', {}],
    ['agents.chat.sessions', {}],
    ['host.events', { limit: 50 }],
    ['host.approvals', {}],
    ['agents.remove', { id }],
  ];
  for (const [method, params] of calls) {
    const { code } = await manager.call(method, params);
    if (code !== 0) ledger.breach(`${method} came to ${code}`);
  }
}

/** What goes on besides the turns of {@link keepTurns}: each by itself, again and again. */
const ERRANDS: readonly { everyMs: number; run(load: Load): Promise<void> }[] = [
  { everyMs: 150, run: misbehave },
  { everyMs: 250, run: approve },
  { everyMs: 3_000, run: manage },
  { everyMs: 1_500, run: ({ random, agents }) => random.pick(agents).attach() },
  { everyMs: 5_000, run: ({ random, subscribers }) => random.pick(subscribers).again() },
  ...RARE.map(({ kind, everyMs }) => ({
    everyMs,
    run: async (load: Load) => {
      const host = load.take();
      if (!host) return;
      await kind(load, host);
      load.give(host);
    },
  })),
];

/** Runs all errands until the load is finishing. Resolves when the last one is done. */
export async function runErrands(load: Load): Promise<void> {
  const repeat = async ({ everyMs, run }: (typeof ERRANDS)[number]) => {
    while (!load.isFinishing) {
      await pause(load.random.between(everyMs / 2, everyMs * 1.5));
      if (!load.isFinishing) await run(load);
    }
  };
  await Promise.all(ERRANDS.map(repeat));
}
