import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Broker, createBroker } from '../../../broker.ts';
import { jsonText, longInteger } from '../../support/long-integers.ts';

/** An id has 256 digits at most. */
const rpcId = longInteger.filter((digits) => digits.length < 255);

/** A client that reads and writes nothing but texts: what a digit is, no parser of JavaScript's decides here. */
interface Mouth {
  send(text: string): void;
  /** The first frame that is not yet taken and has this in it. */
  take(part: string): Promise<string>;
}

function mouthOf(send: (text: string) => void) {
  const frames: string[] = [];
  let look = () => {};
  const take = (part: string) =>
    new Promise<string>((resolve) => {
      look = () => {
        const at = frames.findIndex((text) => text.includes(part));
        if (at < 0) return;
        look = () => {};
        resolve(...(frames.splice(at, 1) as [string]));
      };
      look();
    });
  const heard = (text: string) => {
    frames.push(text);
    look();
  };
  return { mouth: { send, take } satisfies Mouth, heard };
}

function overLink(broker: Broker): Mouth {
  const link = broker.connect();
  const { mouth, heard } = mouthOf((text) => link.send(text));
  link.open({ text: heard, binary() {}, closed() {} });
  return mouth;
}

async function overSocket(url: string): Promise<Mouth> {
  const ws = new WebSocket(url);
  const { mouth, heard } = mouthOf((text) => ws.send(text));
  ws.on('message', (data) => heard(String(data)));
  onTestFinished(() => ws.terminate());
  await new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject));
  return mouth;
}

/** A turn in session `s`, its host with the tool `t`. */
async function startScene(way: 'link' | 'socket') {
  const broker = createBroker({ limits: { drainTimeoutMs: 1, requestsPerSecond: 1e6, requestBurst: 1e6 } });
  onTestFinished(() => broker.close());
  const url = way === 'socket' ? ((await broker.listen({ port: 0 })).url ?? '') : '';
  const connect = () => (way === 'socket' ? overSocket(url) : overLink(broker));
  const [host, agent] = [await connect(), await connect()];
  const { token } = broker.upsertAgent({ id: 'a', rotate_token: true });
  const call = (of: Mouth, id: string, method: string, params: string) => {
    of.send(`{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${params}}`);
  };
  call(host, '1', 'session.auth', JSON.stringify({ token: broker.tokens.daemon }));
  call(agent, '1', 'session.auth', JSON.stringify({ token, agent_id: 'a' }));
  await Promise.all([host.take('"id":1,'), agent.take('"id":1,')]);
  call(host, '2', 'tools.register', '[{"name":"t"}]');
  await host.take('"id":2,');
  const idOf = (text: string) => /"id":("[^"]*"|-?\d+)/.exec(text)?.[1] as string;
  const open = async (id: string, session: string, context: string) => {
    call(host, id, 'agents.chat', `{"agent_id":"a","session_id":"${session}","prompt":"p","context":${context}}`);
    const chat = await agent.take('"method":"agent.chat"');
    agent.send(`{"jsonrpc":"2.0","id":${idOf(chat)},"result":{"accepted":true}}`);
    return { chat, answer: await host.take(`"id":${id},`) };
  };
  return { broker, host, agent, call, idOf, open };
}

describe.each(['link', 'socket'] as const)('a broker over a %s › when JSON holds integers beyond 2^53', (way) => {
  test('events, contexts, parameters, results, errors and ids come out digit for digit', async () => {
    const { host, agent, call, idOf, open } = await startScene(way);
    await open('7', 's', '{}');
    let sessions = 0;
    await fc.assert(
      fc.asyncProperty(jsonText, rpcId, rpcId, async (json, id, id2) => {
        sessions += 1;
        const event = `"kind":"tool_call","tool":"t","sequence":${id2},"params":${json},"x":[${json}]`;
        agent.send(`{"jsonrpc":"2.0","method":"agent.chat.event","params":{"session_id":"s",${event}}}`);
        expect(await host.take('"kind":"tool_call"')).toContain(event);

        const chat = await open(id, `s${sessions}`, `{"k":${json}}`);
        expect(chat.chat).toContain(`"context":{"k":${json},`);
        expect(chat.answer).toContain('"accepted":true');
        call(host, `${id}1`, 'agents.chat.cancel', `{"session_id":"s${sessions}"}`);
        await host.take(`"id":${id}1,`);

        // In a member: a `null` in place of all parameters would read as none.
        const parameters = `{"v":${json}}`;
        call(agent, id, 'tools.execute', `{"session_id":"s","tool":"t","parameters":${parameters}}`);
        const asked = await host.take('"method":"tools.execute"');
        expect(asked).toContain(`"parameters":${parameters},"params":${parameters},`);
        const request = idOf(asked);
        const progress = `{"request_id":${request},"progress":${id2}}`;
        host.send(`{"jsonrpc":"2.0","method":"tools.progress","params":${progress}}`);
        const told = await agent.take('"method":"tools.progress"');
        expect(told).toContain(`"request_id":${id}`);
        expect(told).toContain(`"progress":${id2}`);
        host.send(`{"jsonrpc":"2.0","id":${request},"result":${json}}`);
        expect(await agent.take(`"id":${id},`)).toContain(`"result":${json}}`);

        call(agent, id2, 'tools.execute', '{"session_id":"s","tool":"t","parameters":{}}');
        const again = idOf(await host.take('"method":"tools.execute"'));
        host.send(`{"jsonrpc":"2.0","id":${again},"error":{"code":5,"message":"m","data":${json}}}`);
        expect(await agent.take(`"id":${id2},`)).toContain(`"data":${json}}`);

        call(host, id, 'host.request_approval', `{"action":"a","details":{"k":${json}}}`);
        expect(await host.take(`"id":${id},`)).toContain(`"details":{"k":${json}}`);
      }),
      { numRuns: 30, endOnFailure: true },
    );
  }, 20_000);

  test('two ids that JavaScript takes for one are two, and a withdrawal finds its own', async () => {
    const { host, agent, call, idOf, open } = await startScene(way);
    await open('7', 's', '{}');
    for (const id of ['9007199254740993', '9007199254740992', '18446744073709551615'])
      call(agent, id, 'tools.execute', `{"session_id":"s","tool":"t","parameters":{"of":"${id}"}}`);
    const first = await host.take('"of":"9007199254740993"');
    const second = await host.take('"of":"9007199254740992"');
    await host.take('"of":"18446744073709551615"');
    agent.send('{"jsonrpc":"2.0","method":"tools.cancel","params":{"id":18446744073709551615}}');
    expect(await agent.take('"id":18446744073709551615')).toContain('-32018');
    host.send(`{"jsonrpc":"2.0","id":${idOf(second)},"result":2}`);
    host.send(`{"jsonrpc":"2.0","id":${idOf(first)},"result":1}`);
    expect(await agent.take('"result":1')).toContain('"id":9007199254740993,');
    expect(await agent.take('"result":2')).toContain('"id":9007199254740992,');
  });

  test('where a bounded integer is wanted › then it is -32602 by its field, and its id is told whole', async () => {
    const { host, agent, call } = await startScene(way);
    const n = '12345678901234567890';
    for (const [of, method, params, path] of [
      [host, 'agents.chat', `{"agent_id":"a","prompt":"p","resume_window_ms":-${n}}`, 'resume_window_ms'],
      [host, 'agents.chat', `{"agent_id":"a","prompt":"p","session_id":${n}}`, 'session_id'],
      [host, 'host.events', `{"limit":${n}}`, 'limit'],
      [host, 'host.events', `{"before":-${n}}`, 'before'],
      [host, 'agents.chat', '{"agent_id":"a","prompt":"p","resume_window_ms":1.5}', 'resume_window_ms'],
      [
        host,
        'agents.chat',
        '{"agent_id":"a","prompt":"p","goal":{"check":"c","max_iterations":"8"}}',
        'goal.max_iterations',
      ],
      [host, 'host.register_agent', `{"name":"n","kind":"k","pid":-${n}}`, 'pid'],
      [host, 'server.handshake', `{"protocol_version":${n}}`, undefined],
      [agent, 'tools.execute', `{"session_id":"s","tool":"t","parameters":{},"timeout_ms":-${n}}`, 'timeout_ms'],
    ] as const) {
      call(of, n, method, params);
      const refused = await of.take(`"id":${n},`);
      expect(refused).toContain(path === undefined ? '"error"' : `"code":-32602`);
      if (path !== undefined) expect(refused).toContain(`"path":"${path}"`);
      expect(refused).not.toContain('bigint');
    }
  });

  test.each(['18446744073709551615', '9007199254740993', '100000000000000000000'])(
    'where a wish is clamped › then %s is, and what is passed on comes out as it went in',
    async (n) => {
      const { broker, host, agent, call, open, idOf } = await startScene(way);
      await open('7', 's', '{}');
      for (const [sign, reads] of [
        ['', 50],
        ['-', 1],
      ]) {
        const goal = `{"check":"c","max_iterations":${sign}${n}}`;
        call(host, '8', 'agents.chat', `{"agent_id":"a","prompt":"p","resume_window_ms":${n},"goal":${goal}}`);
        const chat = await agent.take('"method":"agent.chat"');
        expect(chat).toContain(`"max_iterations":${reads}`);
        agent.send(`{"jsonrpc":"2.0","id":${idOf(chat)},"result":{"accepted":true}}`);
        expect(await host.take('"id":8,')).toContain('"resume_token":');
      }
      call(host, '9', 'host.notify', '{"message":"m"}');
      const { sequence } = JSON.parse(await host.take('"id":9,')).result;
      call(host, '10', 'host.events', `{"limit":1,"before":${n}}`);
      expect(await host.take('"id":10,')).toContain(`"sequence":${sequence}`);
      call(host, '11', 'host.register_agent', `{"id":"r","name":"n","kind":"k","pid":${n}}`);
      expect(await host.take('"id":11,')).toContain(`"pid":${n}`);
      call(host, '12', 'host.agents', '{}');
      expect(await host.take('"id":12,')).toContain(`"pid":${n}`);
      call(agent, '13', 'tools.execute', `{"session_id":"s","tool":"t","attempt":${n}}`);
      expect(await host.take('"method":"tools.execute"')).toContain(`"attempt":${n}`);
      await broker.close();
    },
  );

  test('what is kept for others has them: events, metadata, a log that is replayed, a snapshot of the feed', async () => {
    const { host, agent, call } = await startScene(way);
    const n = '-12345678901234567890';
    call(host, '10', 'host.register_agent', `{"name":"n","kind":"k","metadata":{"n":${n}}}`);
    await host.take('"id":10,');
    call(host, '11', 'host.agents', '{}');
    expect(await host.take('"id":11,')).toContain(`"metadata":{"n":${n}}`);
    call(host, '12', 'host.notify', `{"message":"m","payload":{"n":${n}}}`);
    await host.take('"id":12,');
    call(host, '13', 'host.events', '{}');
    expect(await host.take('"id":13,')).toContain(`"payload":{"n":${n}}`);

    const open = `{"agent_id":"a","session_id":"r","prompt":"p","resume_window_ms":60000}`;
    call(host, '14', 'agents.chat', open);
    const chat = await agent.take('"method":"agent.chat"');
    agent.send(`{"jsonrpc":"2.0","id":${/"id":("[^"]*"|\d+)/.exec(chat)?.[1]},"result":{"accepted":true}}`);
    await host.take('"id":14,');
    const pending = `"kind":"approval_pending","approval_id":"p","tool":"t","params":{"n":${n}},"deadline":${n}`;
    agent.send(`{"jsonrpc":"2.0","method":"agent.chat.event","params":{"session_id":"r",${pending}}}`);
    expect(await host.take('"kind":"approval_pending"')).toContain(pending);
    call(host, '15', 'host.approvals', '{}');
    expect(await host.take('"id":15,')).toContain(`"n":${n}`);
    call(host, '16', 'agents.chat.subscribe', '{"session_id":"r"}');
    expect(await host.take('"id":16,')).toContain(`"n":${n}`);
    expect(await host.take('"kind":"approval_pending"')).toContain(pending);
  });
});
