import { type Attack, type Attacker, chatWithInnocent, rest } from './attacker.ts';
import type { KnownAttack } from './known-attacks.ts';

const text = (bytes: number) => `"${'x'.repeat(bytes)}"`;
const many = (count: number, make: (i: number) => string) => Array.from({ length: count }, (_, i) => make(i));
const request = (id: string, method: string, params = '{}') =>
  `{"jsonrpc":"2.0","id":"${id}","method":"${method}","params":${params}}`;

/** Writes them one behind the other, and waits until the daemon has dealt with them. */
export async function storm(client: Attacker, frames: readonly string[]): Promise<void> {
  for (const frame of frames) client.send(frame);
  await client.settled();
}

/** So many requests of one method, one behind the other. */
export function stormOf(client: Attacker, count: number, method: string, params?: string): Promise<void> {
  return storm(
    client,
    many(count, (i) => request(`s${i}`, method, params)),
  );
}

/** Turns with one agent that accepts, and never ends them, all of them live. Gives who is on their two ends. */
async function liveTurns(attack: Attack, count: number): Promise<{ host: Attacker; agent: Attacker }> {
  const [host, agent] = [await attack.open('host'), await attack.open('agent')];
  await attack.turn(host, agent);
  await storm(
    host,
    many(count, (i) =>
      request(
        `c${i}`,
        'agents.chat',
        `{"agent_id":"${agent.agentId}","session_id":"${attack.name('many')}","prompt":"x"}`,
      ),
    ),
  );
  await agent.settled();
  await host.settled();
  return { host, agent };
}

/** What is listed, as much as one client can bring about of it. */
async function fillLists(attack: Attack): Promise<Attacker> {
  const [host, manager] = [await attack.open('host'), await attack.open('manager')];
  const agents = many(500, (i) =>
    request(`u${i}`, 'agents.upsert', `{"id":"fill-${i}","metadata":{"x":${text(500)}}}`),
  );
  const events = many(400, () => request('n', 'host.notify', `{"kind":"k","payload":{"x":${text(6_000)}}}`));
  const approvals = many(60, () =>
    request('p', 'host.request_approval', `{"action":"x","details":{"x":${text(60_000)}}}`),
  );
  await storm(manager, agents);
  await storm(host, events);
  await storm(host, approvals);
  return host;
}

/** Requests that were too much when there were many of them at once. */
export const STORMS: KnownAttack[] = [
  {
    name: 'three thousand replays of one long log',
    async run(attack) {
      const [host, agent] = [await attack.open('host'), await attack.open('agent')];
      const session = attack.name('long');
      agent.onMessage = (message) => {
        const id = /^\{"jsonrpc":"2\.0","id":("[^"]*"|\d+),"method":"agent\.chat"/.exec(message)?.[1];
        return id && `{"jsonrpc":"2.0","id":${id},"result":{"accepted":true}}`;
      };
      const chat = `{"agent_id":"${agent.agentId}","prompt":"x","session_id":"${session}","resume_window_ms":60000}`;
      const accepted = await host.ask('agents.chat', chat);
      const [, token] = /"resume_token":"([^"]+)"/.exec(accepted ?? '') ?? [];
      if (!token) throw new Error(`no turn to take up again: ${accepted}`);
      for (let i = 0; i < 5_000; i += 1)
        agent.notify('agent.chat.event', { session_id: session, kind: 'token', delta: `word ${i} ` });
      await agent.settled();
      const back = await attack.open('host');
      const params = `{"session_id":"${session}","resume_token":"${token}","after":0}`;
      const answer = await back.ask('agents.chat.subscribe', params);
      if (!answer?.includes('"result"')) throw new Error(`no replay: ${answer}`);
      await stormOf(back, 3_000, 'agents.chat.subscribe', params);
    },
  },
  {
    name: 'turns that replace each other, two thousand of them',
    async run(attack) {
      const [host, agent] = [await attack.open('host'), await attack.open('agent')];
      const session = await attack.turn(host, agent);
      const chat = `{"agent_id":"${agent.agentId}","session_id":"${session}","on_busy":"replace","prompt":"x"}`;
      await stormOf(host, 2_000, 'agents.chat', chat);
      await agent.settled();
    },
  },
  {
    name: 'five hundred turns that end when their agent leaves, and as many when their host does',
    async run(attack) {
      // What code costs when it runs for the first time is nobody's attack.
      for (const count of [50, 50, 50, 500]) {
        const [first, second] = [await liveTurns(attack, count), await liveTurns(attack, count)];
        await attack.begin();
        first.agent.leave();
        second.host.leave();
        await first.host.settled();
        await second.agent.settled();
      }
    },
  },
  {
    name: "300 chats in one segment, each with the caller's 300 KiB of tools",
    async run(attack) {
      const send = await attack.segments();
      const tools = Array.from({ length: 75 }, (_, i) => ({ name: `t${i}`, description: 'x'.repeat(3_980) }));
      send([JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools.register', params: tools })]);
      for (let i = 0; i < 3; i += 1) {
        send(many(300, (n) => request(`c${n}`, 'agents.chat', chatWithInnocent())));
        await rest(100);
      }
    },
  },
  {
    name: 'lists that are long, each twenty times',
    async run(attack) {
      const host = await fillLists(attack);
      for (const method of ['host.events', 'agents.list', 'host.agents', 'host.approvals', 'agents.chat.sessions'])
        await stormOf(host, 20, method);
    },
  },
  {
    name: 'agents that are made and removed, three thousand at once',
    async run(attack) {
      const manager = await attack.open('manager');
      const each = (method: string) => many(3_000, (i) => request(`u${i}`, method, `{"id":"many-${i}"}`));
      await storm(manager, each('agents.upsert'));
      await storm(manager, each('agents.remove'));
      // Whatever was refused then: there was too much of it.
      for (let i = 0; i < 3; i += 1) await storm(manager, each('agents.remove'));
    },
  },
  {
    name: 'pages asked for one behind the other by two hundred at once',
    async run(attack) {
      const pages = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(1_000);
      for (let i = 0; i < 200; i += 1) {
        const socket = attack.connect();
        socket.resume();
        socket.write(pages);
      }
      await rest(800);
    },
  },
  {
    name: 'thousands of heads that are cut off in the middle, all at once',
    async run(attack) {
      const sockets = Array.from({ length: 3_000 }, () => attack.connect());
      for (const socket of sockets) socket.write('GET /metrics HTTP/1.1\r\nHost: local');
      await rest(1_000);
      for (const socket of sockets) socket.destroy();
      await rest(300);
    },
  },
];
