import { Client } from './client.ts';
import { runErrands } from './errands.ts';
import { Ledger } from './ledger.ts';
import { Load } from './load.ts';
import type { LoadNews, LoadOrder } from './messages.ts';
import { fillEnded, Turns } from './turns.ts';

/** One load process: a share of all clients. It does what it is told over the IPC channel, and goes with it. */
const ledger = new Ledger();
let load: Load | undefined;
let turns: Turns | undefined;
let work: Promise<unknown> = Promise.resolve();

const tell = (news: LoadNews) => process.send?.(news);

process.on('message', (order: LoadOrder) => {
  if (order.do === 'connect') {
    load = new Load(order.plan, ledger);
    turns = new Turns(load);
    settle(load.connect().then(() => tell({ news: 'connected' })));
  } else if (order.do === 'begin') work = begin();
  else if (order.do === 'mute') ledger.mute(order.muted);
  else if (order.do === 'report') tell({ news: 'report', report: ledger.report(turns?.live ?? 0, Client.open) });
  else settle(finish());
});
// Ctrl-C at a terminal is meant for the soak, which tells this process what to do.
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit(0));

async function begin(): Promise<void> {
  if (!load || !turns) return;
  await fillEnded(load);
  await Promise.all([turns.keep(() => tell({ news: 'warm' })), runErrands(load)]);
}

async function finish(): Promise<void> {
  if (load) load.isFinishing = true;
  await work;
  await load?.close();
  tell({ news: 'done' });
}

/** What fails here is no fault of the daemon's, and no reason to go on. */
function settle(running: Promise<unknown>): void {
  running.catch((error: Error) => {
    console.error(`soak: a load process failed: ${error.stack}`);
    process.exit(1);
  });
}
