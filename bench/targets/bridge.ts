/**
 * What `switchboard attach -- COMMAND` is while it runs, without its command line: run as `node bridge.js HOME URL AGENT COMMAND…`,
 * the agent's token in `AGENT_TOKEN`. It says that it is there as a server does; the port is the broker's.
 */
import { Join } from '../../attach/join.ts';
import { readEntry } from '../../attach/kinds.ts';
import { announce } from './announce.ts';

const [home = '', url = '', agentId = '', ...acp] = process.argv.slice(2);
const silent = () => {};
const kind = await readEntry({ id: agentId, acp, spare: 0, 'max-processes': 256 }, (name) => name).load();
const join = new Join({
  kind,
  agentId,
  connection: { url },
  token: process.env.AGENT_TOKEN,
  log: { debug: silent, info: silent, warn: console.warn, error: console.error },
  env: process.env,
  onFailedStart: 'fail',
});
await join.start();
announce(home, { address: '127.0.0.1', family: 'IPv4', port: Number(new URL(url).port) });
