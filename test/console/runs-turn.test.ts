import protobuf from 'otlp-definitions/build/src/generated/root.js';
import { beforeAll, describe, expect, test } from 'vitest';
import { promptIn } from '../../console/runs/run-again.ts';
import { commonLength, firstDifference, stepsOf } from '../../console/runs/steps.ts';
import { readTurnFile, writeTurnFile } from '../../console/runs/turn-file.ts';
import { grown } from '../../console/runs/turn-log.ts';
import { inspectTurnResult, type RecordedTurnLog } from '../../protocol/recording.ts';
import { type OtlpJsonSpan, toOtlp } from '../../protocol/recording-otlp.ts';
import { openChat, settle, startLinked } from '../support/linked.ts';
import { callsOf, pending, resolved } from '../support/tool-scene.ts';

/** What a turn of a {@link recorded} one does. */
interface Doing {
  prompt: string;
  query: string;
  /** How the answer is cut into tokens. */
  answer: string[];
  fails?: boolean;
  asks?: boolean;
}

const SAME: Doing = { prompt: 'look', query: 'x', answer: ['it ', 'is there'] };

/** Turns that a real broker has recorded: each calls a tool, and then answers. */
async function recorded(doings: readonly Doing[]): Promise<RecordedTurnLog[]> {
  const linked = startLinked({ record: true });
  const [manager, host, agent] = [await linked.manager(), await linked.host(), await linked.agent('coder')];
  await host.ok('tools.register', [{ name: 'grep' }]);
  const logs: RecordedTurnLog[] = [];
  for (const { prompt, query, answer, fails = false, asks = false } of doings) {
    const { turn_id } = await openChat(host, agent, { agent_id: 'coder', session_id: 's', prompt });
    await callsOf(host, agent).execute({ tool: 'grep', parameters: { query } });
    const request = host.received('tools.execute').at(-1);
    if (fails) host.send({ jsonrpc: '2.0', id: request.id, error: { code: -32_000, message: 'no match' } });
    else host.answer(request, { lines: 1 });
    await settle();
    if (asks) for (const event of [pending('a1'), resolved('a1')]) agent.emit('s', event);
    for (const delta of answer) agent.emit('s', { kind: 'token', delta });
    agent.emit('s', { kind: 'done' });
    await settle();
    await settle();
    logs.push(inspectTurnResult.parse(await manager.ok('inspect.turn', { turn_id })));
  }
  return logs;
}

describe('two turns', () => {
  const part = async (doing: Partial<Doing>) => {
    const [one, other] = await recorded([SAME, { ...SAME, ...doing }]);
    const [left, right] = [one, other].map((log) => stepsOf(log as RecordedTurnLog));
    const difference = firstDifference(left ?? [], right ?? []);
    return difference && { at: difference.at, one: left?.[difference.step], other: right?.[difference.step] };
  };

  test('the same happened, cut into other tokens › then there is no difference', async () => {
    expect(await part({ answer: ['it is ', 'th', 'ere'] })).toBeUndefined();
  });

  test.each<[string, Partial<Doing>, string, string]>([
    ['prompt', { prompt: 'loop' }, 'asked: agents.chat', 'p'],
    ['parameter of a tool', { query: 'y' }, 'asked: tools.execute', 'y'],
    ['answer', { answer: ['it is here'] }, 'text', 'here'],
    ['result of a tool', { fails: true }, 'tool grep hears call.answered', 'error'],
  ])('another %s › then they part there, and in its text where', async (_, doing, title, from) => {
    const difference = await part(doing);
    expect(difference?.other?.title).toBe(title);
    expect(difference?.other?.text.slice(difference.at)).toMatch(new RegExp(`^${from}`));
  });

  test('one does more › then they part where the other does not', async () => {
    expect((await part({ asks: true }))?.other?.title).toBe('turn hears approval.pending');
  });

  test('texts that part within a character › the whole of it differs', () => {
    expect(commonLength('a😀', 'a😁')).toBe(1);
    expect(commonLength('abc', 'ab')).toBe(2);
  });
});

describe('a recorded turn', () => {
  let log: RecordedTurnLog;
  beforeAll(async () => {
    [log] = (await recorded([{ ...SAME, fails: true, asks: true }])) as [RecordedTurnLog];
  });

  test('comes in pieces › then the page has each record once, and the state of now', () => {
    const at = 5;
    const first = { ...log, records: log.records.slice(0, at), next: log.records[at - 1]?.sequence ?? 0 };
    const again = { ...log, records: log.records.slice(at - 2) };
    expect(grown(grown(undefined, first), again).records).toEqual(log.records);
    expect(promptIn(log)).toBe('look');
  });

  test('is written to a file and read › then it is the same, and so is what the daemon answers', () => {
    expect(readTurnFile(writeTurnFile(log))).toEqual({ log });
    expect(readTurnFile(JSON.stringify(log))).toEqual({ log });
  });

  const changed = (change: (copy: RecordedTurnLog) => void) => {
    const copy = structuredClone(log);
    change(copy);
    return JSON.stringify(copy);
  };
  const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

  test.each<[string, () => string, RegExp]>([
    ['no JSON', () => '<html>', /no JSON/],
    ['something else', () => '[1]', /not the file of a turn/],
    ['null', () => 'null', /not the file of a turn/],
    ['of another version', () => '{"format":"switchboard.turn/9"}', /Another version/],
    ['of another program', () => '{"format":"har"}', /not the file of a turn\.$/],
    ['nested without end', () => deep(100_000), /nested more than 200 deep/],
    ['with a wrong field', () => changed((copy) => Object.assign(copy.turn, { state: 'fine' })), /turn\.state/],
    ['with a chart it does not have', () => changed((copy) => rename(copy, 'constructor')), /no chart “constructor”/],
    ['with records in no order', () => changed((copy) => copy.records.reverse()), /in no order/],
    ['whose actors go round', () => changed((copy) => circle(copy)), /own ancestor/],
    ['of no time', () => changed((copy) => Object.assign(copy.turn, { started_at: 1e300 })), /time that is none/],
  ])('a file that is %s › is refused, and says why', (_, text, message) => {
    const read = readTurnFile(text());
    expect('problem' in read ? read.problem : 'it was read').toMatch(message);
  });

  test('as OTLP › the makers of it read the spans, which name what took how long, without what was said', () => {
    const trace = toOtlp(log);
    const spans = trace.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
    const [root, invoked, tool, approval, ...more] = decoded(trace);
    expect(more).toEqual([]);
    expect([root?.name, invoked?.name, tool?.name]).toEqual(['agents.chat', 'invoke_agent coder', 'execute_tool grep']);
    expect(approval?.name).toMatch(/^approval /);
    expect(invoked?.parentSpanId).toBe(root?.spanId);
    for (const below of [tool, approval]) expect(below?.parentSpanId).toBe(invoked?.spanId);
    expect(tool?.attributes).toContainEqual(
      expect.objectContaining({ key: 'gen_ai.tool.name', value: expect.objectContaining({ stringValue: 'grep' }) }),
    );
    expect(tool?.status.code).toBe(2);
    expect(root?.status.code).toBe(0);
    expect(invoked?.events.map(({ name }) => name)).toEqual(['first_token']);
    for (const { traceId, spanId, startTimeUnixNano: start, endTimeUnixNano: end } of spans) {
      expect(traceId).toMatch(/^[0-9a-f]{32}$/);
      expect(spanId).toMatch(/^[0-9a-f]{16}$/);
      expect(BigInt(end)).toBeGreaterThanOrEqual(BigInt(start));
    }
    expect(JSON.stringify(trace)).not.toMatch(/look|is there|no match/);
    expect(toOtlp(log)).toEqual(trace);
  });
});

function rename(copy: RecordedTurnLog, machine: string): void {
  for (const record of copy.records) if (record.type === 'started') record.actor.machine = machine;
}

function circle(copy: RecordedTurnLog): void {
  for (const record of copy.records) if (record.type === 'started') record.actor.parent = record.actor.id;
}

// biome-ignore lint/suspicious/noExplicitAny: generated, and without types of what is in it
const Traces = (protobuf as any).opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;

/** Over the wire, by OTLP's own definitions. In its JSON ids are hexadecimal, which the definitions do not know. */
function decoded(trace: ReturnType<typeof toOtlp>): OtlpJsonSpan[] {
  const bytes = JSON.parse(JSON.stringify(trace), (key, value) =>
    /^(trace|span|parentSpan)Id$/.test(key) ? Buffer.from(value, 'hex') : value,
  );
  const message = Traces.fromObject(bytes);
  expect(Traces.verify(message)).toBeNull();
  const read = Traces.decode(Traces.encode(message).finish());
  return Traces.toObject(read, { bytes: String, longs: String, defaults: true }).resourceSpans[0].scopeSpans[0].spans;
}
