import { Opcode, rawFrame } from '../raw-frames.ts';
import { upgradeHead } from '../raw-socket.ts';
import { type Attack, type Attacker, chatWithInnocent, manyOf, rest } from './attacker.ts';

/** An attack that somebody has made before. */
export interface KnownAttack {
  name: string;
  /** What it sends is not over: until it is, it counts as a message that is being read, and not as what is kept. */
  isUnfinished?: boolean;
  run(attack: Attack): Promise<void>;
}

const MIB = 1024 * 1024;
/** Just below the largest message, with room for what is around it. */
const LARGEST = 16 * MIB - 1_024;
const keys = (count: number) => `{${Array.from({ length: count }, (_, i) => `"k${i}":0`).join()}}`;
const text = (bytes: number) => `"${'x'.repeat(bytes)}"`;

async function asked(attacker: Attacker, method: string, ...params: string[]): Promise<void> {
  await Promise.all(params.map((each) => attacker.ask(method, each)));
}

async function floodOfProgress(attack: Attack, idBytes: number): Promise<void> {
  const [host, agent] = [await attack.open('host'), await attack.open('agent')];
  await host.ask('tools.register', '[{"name":"slow"}]');
  const session = await attack.turn(host, agent);
  const call = new Promise<string>((resolve) => {
    host.onMessage = (message) => {
      const [, id] = /"id":"(cb-\d+)","method":"tools.execute"/.exec(message) ?? [];
      if (id !== undefined) resolve(id);
      return undefined;
    };
  });
  const execute = `{"session_id":"${session}","tool":"slow","parameters":{}}`;
  agent.send(`{"jsonrpc":"2.0","id":${text(idBytes)},"method":"tools.execute","params":${execute}}`);
  await agent.settled();
  // An id that was refused has no call.
  const request = await Promise.race([call, host.settled()]);
  for (let i = 0; i < 300; i += 1) host.notify('tools.progress', { request_id: request ?? 'cb-1' });
  await Promise.all([host.settled(), agent.settled()]);
}

/** What was found by clients that were made for it, and must not be found again. */
export const KNOWN_ATTACKS: KnownAttack[] = [
  {
    name: 'a prompt with eight million attachments',
    async run(attack) {
      const agent = await attack.open('agent');
      await asked(agent, 'agents.chat', chatWithInnocent(`,"attachments":${manyOf('0', LARGEST)}`));
    },
  },
  {
    name: 'four megabytes of tools that are none',
    async run(attack) {
      await asked(await attack.open('host'), 'tools.register', manyOf('{}', 4 * MIB), manyOf('0', 4 * MIB));
    },
  },
  {
    name: 'a surface of a million components',
    async run(attack) {
      const host = await attack.open('host');
      for (const item of ['0', '{}', '{"id":"a","component":"Text"}']) {
        const components = manyOf(item, 3 * MIB);
        await asked(
          host,
          'a2ui.apply',
          `{"version":"v0.9","updateComponents":{"surfaceId":"s","components":${components}}}`,
        );
        await asked(host, 'a2ui.ingest', `{"payload":${components}}`);
      }
    },
  },
  {
    name: 'prompts of twelve megabytes, live and in queues',
    async run(attack) {
      const [host, agent] = [await attack.open('host'), await attack.open('agent')];
      const session = await attack.turn(host, agent);
      for (let i = 0; i < (attack.scale > 1 ? 6 : 2); i += 1) {
        const place = i % 2 === 0 ? `,"session_id":"${session}","on_busy":"queue"` : '';
        host.send(
          `{"jsonrpc":"2.0","id":${i},"method":"agents.chat","params":{"agent_id":"${agent.agentId}"${place},"prompt":${text(12 * MIB)}}}`,
        );
      }
      await host.settled();
      await agent.settled();
    },
  },
  {
    name: "150 chats in one segment, each with the caller's 256 KiB of tools",
    async run(attack) {
      const send = await attack.segments();
      const tools = Array.from({ length: 60 }, (_, i) => ({ name: `t${i}`, description: 'x'.repeat(4_200) }));
      send([JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools.register', params: tools })]);
      for (let i = 0; i < 3; i += 1) {
        send(
          Array.from(
            { length: 150 },
            (_, n) => `{"jsonrpc":"2.0","id":"c${n}","method":"agents.chat","params":${chatWithInnocent()}}`,
          ),
        );
        await rest(100);
      }
    },
  },
  {
    name: 'pages asked for one behind the other, and behind an upgrade',
    async run(attack) {
      const pages = (path: string, count: number) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(count);
      const sockets = [];
      for (const count of [900, 40_000]) {
        const socket = attack.connect();
        socket.write(pages('/metrics', count));
        socket.resume();
        sockets.push(socket);
      }
      const upgraded = attack.connect();
      upgraded.write(`${upgradeHead().join('\r\n')}\r\n\r\n${pages('/', 900)}`);
      for (let i = 0; i < 20; i += 1) attack.connect().write(pages('/', 20));
      await rest(800);
    },
  },
  {
    name: 'half messages of strangers',
    isUnfinished: true,
    async run(attack) {
      const part = rawFrame(Buffer.alloc(2 * MIB, 0x20), { fin: false, opcode: Opcode.text });
      for (let i = 0; i < 60 * Math.min(4, attack.scale); i += 1) {
        const socket = attack.connect();
        socket.write(`${upgradeHead().join('\r\n')}\r\n\r\n`);
        socket.write(part);
      }
      attack.note(2 * MIB);
      await rest(500);
    },
  },
  {
    name: 'half messages of clients with a token, and pings between them',
    isUnfinished: true,
    async run(attack) {
      const clients = [];
      for (let i = 0; i < 5 + 2 * attack.scale; i += 1) clients.push(await attack.open('host'));
      for (const client of clients) {
        client.sendPart(15 * MIB);
        client.ping();
      }
      await rest(500);
    },
  },
  { name: 'progress of a call whose id is two megabytes', run: (attack) => floodOfProgress(attack, 2 * MIB) },
  { name: 'progress of a call, as often as it may be', run: (attack) => floodOfProgress(attack, 250) },
  {
    name: 'events that are dropped anyway, of a million keys, elements or levels',
    async run(attack) {
      const agent = await attack.open('agent');
      for (const value of [
        keys(400_000),
        '['.repeat(8 * MIB),
        `${'['.repeat(4 * MIB)}${']'.repeat(4 * MIB)}`,
        manyOf('0', LARGEST),
      ]) {
        agent.send(
          `{"jsonrpc":"2.0","method":"agent.chat.event","params":{"session_id":"none","kind":"x","value":${value}}}`,
        );
      }
      await agent.settled();
    },
  },
  {
    name: 'a removed agent whose events and requests go on',
    async run(attack) {
      const [manager, agent] = [await attack.open('manager'), await attack.open('agent')];
      await manager.ask('agents.remove', `{"id":"${agent.agentId}"}`);
      for (let i = 0; i < 2_000; i += 1)
        agent.notify('agent.chat.event', { session_id: 'none', kind: 'token', delta: 'x' });
      await agent.settled();
    },
  },
  {
    name: 'a host.event to hundreds of subscribers, a hundred times',
    async run(attack) {
      const crowd = await Promise.all(Array.from({ length: attack.scale > 1 ? 600 : 200 }, () => attack.open('host')));
      await Promise.all(crowd.map((each) => each.ask('server.handshake', '{"protocol_version":3}')));
      await Promise.all(crowd.map((each) => each.ask('host.subscribe')));
      const noisy = await attack.open('host');
      await attack.begin();
      for (let i = 0; i < 100; i += 1)
        void noisy.ask('host.notify', `{"kind":"noise","payload":{"i":${i},"text":${text(200)}}}`);
      await noisy.settled();
      await rest(200);
    },
  },
  {
    name: 'thousands of names of each kind',
    async run(attack) {
      const count = 2_000 * attack.scale;
      const kinds: ((host: Attacker, agent: Attacker, i: number) => void)[] = [
        (host, _, i) => host.send(`{"jsonrpc":"2.0","id":"${i}","method":"no.such.method.${i}"}`),
        (host, _, i) => host.notify(`no.such.notice.${i}`, {}),
        (host, _, i) =>
          host.send(
            `{"jsonrpc":"2.0","id":"${i}","method":"agents.chat","params":{"agent_id":"no-${i}","prompt":"x"}}`,
          ),
        (host, _, i) =>
          host.send(`{"jsonrpc":"2.0","id":"${i}","method":"memory.query","params":{"query":"word${i}"}}`),
        (host, _, i) =>
          host.send(`{"jsonrpc":"2.0","id":"${i}","method":"agents.chat.cancel","params":{"session_id":"no-${i}"}}`),
        (host, _, i) => host.send(`{"jsonrpc":"2.0","id":"never-${i}","result":{"accepted":true}}`),
        (_, agent, i) =>
          agent.notify('agent.chat.event', { session_id: `no-${i}`, kind: `kind-${i}`, [`field-${i}`]: 1 }),
      ];
      for (const each of kinds) {
        const [host, agent] = [await attack.open('host'), await attack.open('agent')];
        for (let i = 0; i < count; i += 1) {
          each(host, agent, i);
          // What a rate allows, in a long run.
          if (i % 1_000 === 999) await Promise.all([host.settled(), agent.settled()]);
        }
        host.leave();
        agent.leave();
      }
    },
  },
  {
    name: 'hundreds of slow heads of HTTP requests',
    async run(attack) {
      for (let i = 0; i < Math.min(3_000, 500 * attack.scale); i += 1)
        attack.connect().write('GET /metrics HTTP/1.1\r\nHost: local');
      await rest(300);
      // A newcomer has its place all the same.
      if ((await attack.open('host')).isClosed) throw new Error('a newcomer was turned away');
    },
  },
  {
    name: 'a reader that reads nothing of what it asks for',
    async run(attack) {
      const [host, agent] = [await attack.open('host'), await attack.open('agent')];
      const session = await attack.turn(host, agent);
      host.pause();
      const delta = 'x'.repeat(60_000);
      for (let i = 0; i < 1_200; i += 1)
        agent.notify('agent.chat.event', { session_id: session, kind: 'token', delta });
      await agent.settled();
    },
  },
  {
    name: 'requests at the gate, with as much as may stand in them',
    async run(attack) {
      const host = await attack.open('host');
      const details = `{"text":${text(60_000)}}`;
      const asks = Array.from({ length: 80 }, () => `{"action":"x","details":${details}}`);
      await asked(host, 'host.request_approval', ...asks);
      for (let i = 0; i < 60; i += 1)
        void host.ask('voice.transcribe_stream.start', `{"session_id":"v${i}","audio_source":${details}}`);
      await host.settled();
    },
  },
  {
    name: 'integers of twenty digits, as many as one message may have',
    async run(attack) {
      const host = await attack.open('host');
      // What code costs when it runs for the first time is nobody's attack.
      for (const bytes of [MIB / 16, MIB / 8, MIB / 2 - 1_024]) {
        const many = manyOf('12345678901234567890', bytes);
        await attack.begin();
        await asked(host, 'agents.chat', chatWithInnocent(`,"context":{"many":${many}}`));
        await asked(host, 'host.notify', `{"kind":"x","payload":{"many":${many}}}`);
      }
    },
  },
];
