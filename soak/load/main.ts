import { Lasting } from '../lasting/lasting.ts';
import { Client } from './client.ts';
import { runErrands } from './errands.ts';
import { Ledger } from './ledger.ts';
import { Load } from './load.ts';
import type { LoadNews, LoadOrder, LoadPlan } from './messages.ts';
import { fillEnded, Turns } from './turns.ts';

/** One load process: a share of all clients. It does what it is told over the IPC channel, and goes with it. */
const ledger = new Ledger();
let load: Load | undefined;
let turns: Turns | undefined;
let lasting: Lasting | undefined;
let work: Promise<unknown> = Promise.resolve();

const tell = (news: LoadNews) => process.send?.(news);

process.on('message', (order: LoadOrder) => {
  if (order.do === 'connect') {
    settle(connect(order.plan).then(() => tell({ news: 'connected' })));
  } else if (order.do === 'begin') work = begin();
  else if (order.do === 'died') {
    if (lasting) lasting.deaths.count += 1;
  } else if (order.do === 'mute') ledger.mute(order.muted);
  else if (order.do === 'report') tell({ news: 'report', report: ledger.report(live(), Client.open) });
  else settle(finish());
});
// Ctrl-C at a terminal is meant for the soak, which tells this process what to do.
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit(0));

const live = () => (turns?.live ?? 0) + (lasting?.live ?? 0);

async function connect(plan: LoadPlan): Promise<void> {
  if (!plan.lasts) {
    load = new Load(plan, ledger);
    turns = new Turns(load);
    await load.connect();
  }
  lasting = new Lasting(plan, ledger);
  await lasting.connect();
}

async function begin(): Promise<void> {
  if (load) await fillEnded(load);
  const warm = [lasting, turns].flatMap((kept) => (kept ? [kept] : []));
  let left = warm.length;
  const isWarm = () => {
    left -= 1;
    if (left === 0) tell({ news: 'warm' });
  };
  await Promise.all([...warm.map((kept) => kept.keep(isWarm)), load && runErrands(load)]);
}

async function finish(): Promise<void> {
  if (load) load.isFinishing = true;
  if (lasting) lasting.isFinishing = true;
  await work;
  await Promise.all([load?.close(), lasting?.close()]);
  tell({ news: 'done' });
}

/** What fails here is no fault of the daemon's, and no reason to go on. */
function settle(running: Promise<unknown>): void {
  running.catch((error: Error) => {
    console.error(`soak: a load process failed: ${error.stack}`);
    process.exit(1);
  });
}
