import { Checker } from './checker.ts';
import { deltaText } from './delta.ts';
import { FrameReader } from './frame-reader.ts';
import { agentId, makePlan, type Plan } from './plan.ts';

/** What a host receives, and the host. */
type Received = [host: number, frame: object][];

/** One way in which a relay may be wrong, done to what a right one would have delivered. */
type Corruption = (received: Received) => void;

/** Enough deltas that the deep check comes round. */
const WORK = { agents: 2, hosts: 2, turns: 4, deltas: 60 };

const CORRUPTIONS: Record<string, Corruption> = {
  'a delta lost': (received) => void received.splice(17, 1),
  'the last delta lost': (received) => void received.pop(),
  'a delta twice': (received) => void received.splice(17, 0, received[17] as Received[0]),
  'two deltas swapped': (received) => void received.splice(17, 5, ...received.slice(17, 22).reverse()),
  'a delta at the wrong host': (received) => {
    // The last of its turn, so that no gap behind it betrays it.
    const entry = received[WORK.deltas - 1] as Received[0];
    entry[0] = 1 - entry[0];
  },
  'a delta altered': (received) => change(received, { delta: deltaText(0, 5).replace('lorem', 'lor3m') }),
  'a delta of another turn': (received) => change(received, { delta: deltaText(3, 5) }),
  'a wrong seq': (received) => change(received, { seq: 99_999 }),
  'no seq': (received) => change(received, { seq: undefined }),
  'another session': (received) => {
    for (const index of received.keys()) change(received, { session_id: 'chat-other' }, index);
  },
  'another agent': (received) => {
    for (const index of received.keys()) change(received, { agent_id: 'bench-agent-9' }, index);
  },
  'a merged delta with a gap': (received) => change(received, { delta: deltaText(0, 5) + deltaText(0, 7) }),
  'a merged delta without seq_from': (received) => merge(received, undefined),
};

/**
 * Shows that the checker accepts what is right, cut into chunks anywhere, and that each kind of fault makes it fail. A
 * check that cannot fail is worth nothing.
 *
 * @throws {Error} naming the case that went wrong.
 */
export function selfCheck(): void {
  const plan = makePlan(WORK);
  for (const chunk of [1, 7, 1024, Number.MAX_SAFE_INTEGER]) verdict(plan, rightly(plan), chunk);
  const merged = rightly(plan);
  merge(merged, 5);
  verdict(plan, merged, 64);
  for (const [name, corrupt] of Object.entries(CORRUPTIONS)) {
    const received = rightly(plan);
    corrupt(received);
    let isCaught = false;
    try {
      verdict(plan, received, 64);
    } catch {
      isCaught = true;
    }
    if (!isCaught) throw new Error(`the checker does not notice ${name}`);
  }
}

/** Runs received frames through the very classes that the benchmark uses. */
function verdict(plan: Plan, received: Received, chunkBytes: number): void {
  const checker = new Checker(plan, true);
  const readers = Array.from({ length: plan.hosts }, (_, host) => {
    return new FrameReader((_opcode, data, start, end) => void checker.frame(host, data, start, end));
  });
  const inbound = readers.map((_, host) => {
    return Buffer.concat(received.filter(([to]) => to === host).map(([, params]) => serverFrame(params)));
  });
  for (const [host, bytes] of inbound.entries()) {
    for (let at = 0; at < bytes.length; at += chunkBytes) readers[host]?.push(bytes.subarray(at, at + chunkBytes));
  }
  checker.finish();
}

/** What a right broker delivers. */
function rightly(plan: Plan): Received {
  return plan.sessions.flatMap(({ sessionId, agent, host }, turn) => {
    return Array.from({ length: plan.deltas }, (_, index): Received[0] => {
      const delta = deltaText(turn, index + 1);
      const stamps = { agent_id: agentId(agent), turn_id: `turn-${turn}`, seq: index + 1 };
      return [host, { session_id: sessionId, kind: 'token', delta, ...stamps }];
    });
  });
}

/** Changes one frame, the fifth of the first turn unless told otherwise. */
function change(received: Received, fields: object, index = 4): void {
  const entry = received[index] as Received[0];
  entry[1] = { ...entry[1], ...fields };
}

/** Makes one frame of the fifth and the sixth. */
function merge(received: Received, from: number | undefined): void {
  change(received, { delta: deltaText(0, 5) + deltaText(0, 6), seq_from: from, seq: 6 });
  received.splice(5, 1);
}

function serverFrame(params: object): Buffer {
  const payload = Buffer.from(JSON.stringify({ jsonrpc: '2.0', method: 'agents.chat.event', params }));
  const { length } = payload;
  const header = length < 126 ? [0x81, length] : [0x81, 126, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(header), payload]);
}
