import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, GONE } from './client.ts';
import type { Load } from './load.ts';

/** Frames that are answered with an error of no id. */
const UNNAMED = ['{', '', 'null', '[]', '[{"jsonrpc":"2.0","id":1,"method":"agents.list"}]', '{"id":{}}', '"\\ud800"'];

/** Frames that nobody is told about. */
const SILENT = [
  '{"jsonrpc":"2.0","method":"no.such.thing"}',
  '{"jsonrpc":"2.0","method":"agent.chat.event","params":{"kind":"token"}}',
  '{"jsonrpc":"2.0","method":"tools.cancel","params":{"id":[]}}',
  '{"jsonrpc":"2.0","id":"cb-0","result":{}}',
];

/** Requests, and the code that each gets. */
const WRONG: readonly (readonly [method: string, params: object, code: number])[] = [
  ['no.such.method', {}, -32601],
  ['agents.upsert', { id: 'x' }, -32601],
  ['agents.chat', { agent_id: 7 }, -32602],
  ['agents.chat', { agent_id: 'nobody', prompt: 'x' }, -32011],
  ['agents.chat.cancel', { session_id: 'nothing' }, -32014],
  ['agents.chat.subscribe', { session_id: 'nothing', after: -1 }, -32602],
  ['host.subscribe', {}, -32005],
  ['host.resolve_approval', { approval_id: 'nothing', resolution: 'approve' }, -32016],
  ['server.handshake', { protocol_version: 99 }, -32006],
  ['session.auth', { token: 'again' }, -32600],
];

const FORBIDDEN = -32015;
const GONE_SESSION = -32014;

/** A stranger who knows a session's name and writes nonsense, and never gets more than an error. */
async function nonsense(load: Load): Promise<void> {
  const { plan, random, ledger } = load;
  const client = await Client.connect(plan.url, 'stranger', ledger, { token: plan.tokens.daemon });
  for (let i = 0; i < 10; i += 1) {
    if (random.chance(0.5)) {
      client.unnamed += 1;
      client.write(random.pick(UNNAMED));
    } else client.write(random.pick(SILENT));
    const [method, params, code] = random.pick(WRONG);
    const reply = await client.call(method, params);
    if (reply.code !== code) ledger.breach(`${method} ${JSON.stringify(params)} came to ${reply.code}, not ${code}`);
  }
  const session_id = `s-${plan.index}-${random.between(1, Number(load.newNonce().split('-')[1]))}`;
  client.notify('agent.chat.event', { session_id, kind: 'token', delta: 'not yours' });
  for (const method of ['agents.chat.cancel', 'agents.chat.subscribe']) {
    const reply = await client.call(method, { session_id });
    if (![FORBIDDEN, GONE_SESSION].includes(reply.code)) ledger.breach(`a stranger's ${method} came to ${reply.code}`);
  }
  if (client.unnamed > 0) ledger.breach(`${client.unnamed} bad frames were not refused`);
  client.unnamed = 0;
  await (random.chance(0.5) ? client.close() : client.cut());
}

/** A binary frame, which closes. */
async function binary(load: Load): Promise<void> {
  const { plan, ledger } = load;
  const client = await Client.connect(plan.url, 'binary', ledger, { token: plan.tokens.daemon });
  client.expected.add(1003);
  client.write(Buffer.from([0xde, 0xad]));
  await client.closed;
}

/** Somebody without a token. */
async function unknown(load: Load): Promise<void> {
  const client = await Client.connect(load.plan.url, 'unknown', load.ledger);
  client.expected.add(4401);
  const wrong = await client.call('session.auth', { token: 'wrong' });
  const call = await client.call('agents.list');
  if (wrong.code !== -32603 || ![-32001, GONE.code].includes(call.code)) {
    load.ledger.breach(`without a token: ${wrong.code}, ${call.code}`);
  }
  await client.closed;
}

/** Bytes that are no HTTP, or stop in the middle of it. */
async function bytes({ plan, random }: Load): Promise<void> {
  const { port } = new URL(plan.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('error', () => {});
  const isHttp = random.chance(0.5);
  socket.write(
    isHttp ? 'GET / HTTP/1.1\r\nUpgra' : Buffer.from(Array.from({ length: 64 }, () => random.between(0, 255))),
  );
  socket.resume();
  await pause(random.between(0, 500));
  socket.destroy();
}

/** One visit of somebody who behaves badly. */
export async function misbehave(load: Load): Promise<void> {
  load.ledger.count('bad visitors');
  await load.random.pick([nonsense, nonsense, nonsense, binary, unknown, bytes])(load);
}
