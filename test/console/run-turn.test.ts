import { beforeAll, describe, expect, it } from 'vitest';
import { type Sequence, sequenceOf, storyOf } from '../../console/charts/sequence.ts';
import { fieldsOf } from '../../console/runs/turn/changes.ts';
import { momentOf, momentsOf } from '../../console/runs/turn/moments.ts';
import { RecordedLog } from '../../console/runs/turn/recorded-log.ts';
import { Replay, standAt } from '../../console/runs/turn/replay.ts';
import { shownText } from '../../console/runs/turn/shown-text.ts';
import { stepsOf } from '../../console/runs/turn/steps.ts';
import { type TurnEntry, transcriptOf } from '../../console/runs/turn/transcript.ts';
import { waterfallOf } from '../../console/runs/turn/waterfall.ts';
import type { RecordedEvent } from '../../protocol/recording.ts';
import { actor, heard, recorder, turn as turnActor } from './charts-support.ts';
import { type RecordedScene, recordScene } from './recorded-scene.ts';

let scene: RecordedScene;
beforeAll(async () => {
  scene = await recordScene();
});

/** A turn as its page reads it, or a part of what was recorded of it. */
function read(inside = false, records: readonly RecordedEvent[] = scene.log.records) {
  const recorded = new RecordedLog();
  recorded.take({ ...scene.log, records: [...records] });
  return { recorded, ...seen(recorded, inside) };
}

function seen(recorded: RecordedLog, inside = false) {
  const story = storyOf(recorded.messages);
  const sequence = sequenceOf(story, recorded.turn?.now ?? expect.unreachable(), inside);
  return { story, sequence, moments: momentsOf(sequence.arrows) };
}

/** Each arrow as `from > to: label`. */
function arrowsOf({ arrows, lifelines }: Sequence): string[] {
  const name = (at: number | undefined) => (at === undefined ? '' : lifelines[at]?.title);
  return arrows.map(({ from, to, label }) => `${name(from)} > ${name(to)}: ${label}`);
}

describe('the sequence of a recorded turn', () => {
  it('from outside › names what happened, each thing once, with its outcome', () => {
    const { sequence } = read();
    expect(arrowsOf(sequence)).toEqual([
      'host > agent: agents.chat "find the fault"',
      'agent > host: accepted',
      'agent > host: token ×2',
      'agent > host: grep("TODO")',
      'agent > host: grep("TODO") → error: no match',
      'agent > broker: rm("/x")',
      'broker > host: asks: rm("/x")',
      'others > broker: approve rm("/x")',
      'broker > host: rm("/x") → approve',
      'broker > host: rm("/x")',
      'host > agent: rm("/x") → ok: {"ok":true}',
      'agent > host: asks: bash("ls")',
      'host > agent: deny bash("ls")',
      'agent > host: bash("ls") → deny',
      'agent > host: bash("ls") → deny',
      'agent > host: token',
      'agent > host: error: nothing found (empty)',
    ]);
    const bad = sequence.arrows.filter(({ tone }) => tone === 'bad').map(({ label }) => label);
    expect(bad).toEqual([
      'grep("TODO") → error: no match',
      'bash("ls") → deny',
      'bash("ls") → deny',
      'error: nothing found (empty)',
    ]);
  });

  it('has a bracket from each request to its answer, those that overlap side by side', () => {
    const { sequence } = read();
    const of = ({ from, to, lane, took }: Sequence['brackets'][number]) => {
      return `${sequence.arrows[from]?.label} … ${sequence.arrows[to]?.label} in ${took} ms, lane ${lane}`;
    };
    expect(sequence.brackets.map(of)).toEqual([
      'agents.chat "find the fault" … accepted in 40 ms, lane 0',
      'grep("TODO") … grep("TODO") → error: no match in 300 ms, lane 0',
      'rm("/x") … rm("/x") → ok: {"ok":true} in 2010 ms, lane 0',
      'asks: rm("/x") … rm("/x") → approve in 2000 ms, lane 1',
      'rm("/x") … rm("/x") → ok: {"ok":true} in 10 ms, lane 1',
      'asks: bash("ls") … bash("ls") → deny in 3000 ms, lane 0',
      'deny bash("ls") … bash("ls") → deny in 0 ms, lane 1',
    ]);
  });

  it('inside the broker › has each leg of it', () => {
    const arrows = arrowsOf(read(true).sequence);
    const legs = arrows.filter((arrow) => arrow.endsWith(': grep("TODO") → error: no match'));
    expect(legs).toEqual([
      'agent > broker: grep("TODO") → error: no match',
      'broker > turn: grep("TODO") → error: no match',
      'turn > host: grep("TODO") → error: no match',
    ]);
    expect(arrows).toContain('approvals > callbacks: gate.opened');
  });

  it('has nothing unseen in what it names, and little of what is long', () => {
    const record = recorder();
    const call = { kind: 'tool_call', tool: 'rm\u202e', params: { path: `${'x'.repeat(100_000)}\u200b` } };
    const recorded = new RecordedLog();
    recorded.take({
      ...scene.log,
      actors: [actor('root'), actor('h'), actor('a')],
      records: record(
        { type: 'started', actor: turnActor(scene.turn.turn_id) },
        heard(scene.turn.turn_id, 'chat.event', 'a', { params: call }),
      ),
    });
    const [label = ''] = seen(recorded).sequence.arrows.map((arrow) => arrow.label);
    expect(label).toMatch(/^rm\\u202e\("x+…/);
    expect(label.length).toBeLessThan(80);
  });
});

describe('a recorded turn at a moment', () => {
  it('stands where its chart stood, and knew what it knew, whichever way one came there', () => {
    const { recorded, sequence, moments } = read();
    const turn = recorded.turn ?? expect.unreachable();
    const at = (label: string) => {
      const moment = moments[sequence.arrows.findIndex((arrow) => arrow.label === label)];
      return moment?.until ?? expect.unreachable();
    };
    const [asks, denied] = [at('asks: bash("ls")'), at('bash("ls") → deny')];
    expect(standAt(turn, asks)?.state).toContain('live.work.parked');
    expect(standAt(turn, denied)?.state).toContain('live.work.streaming');
    const before = standAt(turn, at('grep("TODO")'))?.context;
    const changed = fieldsOf(standAt(turn, asks)?.context ?? {}, before).filter(({ change }) => change);
    expect(changed).toContainEqual({ name: 'pending_approvals', value: ['a1'], change: 'changed', before: [] });
    // Going on, going back, and beginning there come to the same.
    const replay = new Replay(turn, moments[0]?.until ?? 0);
    const begun = replay.moveTo(moments[1]?.until ?? 0);
    expect(replay.moveTo(denied)).toBe(begun);
    const back = replay.moveTo(asks);
    expect(back).not.toBe(begun);
    expect(back).toEqual(new Replay(turn, asks).moveTo(asks));
    expect(back.transitions.map(({ event }) => event)).toEqual(['call.answered', 'approval.pending']);
  });

  it('is found by the number of any record that belongs to it', () => {
    const { moments } = read();
    for (const [index, { event, until }] of moments.entries()) {
      expect(momentOf(moments, event)).toBe(index);
      if (until !== Number.POSITIVE_INFINITY) expect(momentOf(moments, until)).toBe(index);
    }
    expect(momentOf(moments, 10 ** 9)).toBe(moments.length - 1);
    expect(momentOf([], 3)).toBe(-1);
  });

  it('has its transitions, of the turn and of what belongs to it', () => {
    const steps = stepsOf(read().recorded).map(({ who, way }) => `${who}: ${way}`);
    expect(steps).toEqual([
      'turn: dispatching → streaming',
      'callback rm: parked → pending',
      'approval rm: pending → approved',
      'callback rm: pending → resolved',
      'turn: streaming → parked',
      'approval bash: pending → taken',
      'turn: parked → streaming',
      'approval bash: taken → denied',
      'turn: streaming → failed',
    ]);
  });

  it('that is read while it grows › says in the end what it says when it is read whole', () => {
    const growing = new RecordedLog();
    const { records } = scene.log;
    for (let count = 0; count <= records.length; count += 7)
      growing.take({ ...scene.log, records: records.slice(0, count) });
    expect(growing.take(scene.log)).toBe(true);
    expect(growing.take(scene.log)).toBe(false);
    const whole = read().recorded;
    expect(seen(growing).sequence).toEqual(seen(whole).sequence);
    expect(growing.texts).toEqual(whole.texts);
    expect([...growing.actors.keys()]).toEqual([...whole.actors.keys()]);
  });

  it('whose beginning has made room for others › has what is left', () => {
    const { records } = scene.log;
    const { recorded, sequence } = read(false, records.slice(records.findIndex(({ type }) => type === 'text')));
    expect(recorded.turn?.now).toMatchObject({ name: scene.turn.turn_id, state: ['failed'] });
    expect(arrowsOf(sequence).slice(0, 2)).toEqual(['agent > host: token ×2', 'agent > host: grep("TODO")']);
    expect(arrowsOf(sequence).at(-1)).toBe('agent > host: error: nothing found (empty)');
  });

  it('of 20,000 records › each of its moments is found, and is as it was', () => {
    const record = recorder();
    const { turn_id } = scene.turn;
    const contexts = Array.from({ length: 4_000 }, (_, n) => {
      const state = [n % 2 === 0 ? 'live.work.parked' : 'live.work.streaming'];
      const call = { tool: 'grep', call_id: `c${n}` };
      return record(
        heard(turn_id, 'chat.event', 'a', { params: { kind: 'tool_call', ...call, params: { n } } }),
        heard('h', 'chat.deliver', turn_id, { params: { kind: 'tool_call', ...call, params: { n } } }),
        { type: 'transition', actor: turn_id, event: 'x', state, previous: [], context: { n }, status: 'active' },
        heard(turn_id, 'chat.event', 'a', { params: { kind: 'tool_result', ...call, ok: true } }),
        heard('h', 'chat.deliver', turn_id, { params: { kind: 'tool_result', ...call, ok: true } }),
      );
    });
    const recorded = new RecordedLog();
    const started = { type: 'started' as const, actor: turnActor(turn_id), sequence: 0, at: 0 };
    const actors = [actor('root'), actor('h'), actor('a')];
    recorded.take({ ...scene.log, actors, records: [started, ...contexts.flat()] });
    const { sequence, moments } = seen(recorded);
    expect(moments).toHaveLength(8_000);
    expect(sequence.lanes).toBe(1);
    for (const n of [3_999, 0, 2_000]) {
      const moment = moments[n * 2];
      expect(sequence.arrows[n * 2]?.label).toBe(`grep(${n})`);
      expect(standAt(recorded.turn ?? expect.unreachable(), moment?.until ?? 0)?.context).toEqual({ n });
    }
  });
});

describe('the waterfall of a turn', () => {
  it('has a bar for all that took time, with its name and how long that was', () => {
    const { recorded, story } = read();
    const { rows, from, until } = waterfallOf(scene.turn, recorded, story);
    expect(until - from).toBe(6_700);
    expect(rows.map(({ kind, name, took, note, tone }) => [kind, name, took, note, tone])).toEqual([
      ['accepted', 'accepted', 40, '', undefined],
      ['first-token', 'first token', 60, '', undefined],
      ['streaming', 'streaming, 3 tokens', 0, '', undefined],
      ['tool', 'grep("TODO")', 300, 'error: no match', 'bad'],
      ['tool', 'rm("/x")', 2_010, 'ok: {"ok":true}', undefined],
      ['wait', 'person: rm("/x")', 2_000, 'approve', 'warn'],
      ['wait', 'person: bash("ls")', 3_000, 'deny', 'bad'],
    ]);
  });

  it('of a turn that still runs › says what has not ended, and goes on to what is newest', () => {
    const asked = scene.log.records.findIndex(({ type, ...record }) => {
      return type === 'event' && 'event' in record && record.event === 'approval.pending';
    });
    const { recorded, story } = read(false, scene.log.records.slice(0, asked + 6));
    const { ended_at: _, error: _e, ...turn } = scene.turn;
    const { rows } = waterfallOf({ ...turn, state: 'parked' }, recorded, story);
    expect(rows.at(-1)).toMatchObject({ kind: 'wait', name: 'person: bash("ls")', isOpen: true, note: '' });
  });
});

function told(entry: TurnEntry): unknown {
  switch (entry.kind) {
    case 'prompt':
      return entry.text;
    case 'text':
      return shownText(entry.pieces, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY).text;
    case 'tool':
    case 'wait':
      return [entry.subject, entry.given, entry.end?.words];
    case 'note':
      return entry.label;
    case 'end':
      return `${entry.title}: ${entry.message}`;
  }
}

describe('the transcript of a turn', () => {
  it('has the prompt, the answer, the tools, the waits and the end, in order', () => {
    const { recorded, story } = read();
    const entries = transcriptOf(scene.turn, recorded, story).map(told);
    expect(entries).toEqual([
      'find the fault',
      'Let me look. ',
      ['grep("TODO")', { pattern: 'TODO' }, 'error: no match'],
      ['rm("/x")', { path: '/x' }, 'ok: {"ok":true}'],
      ['rm("/x")', { path: '/x' }, 'approve'],
      ['bash("ls")', { command: 'ls' }, 'deny'],
      'I give up.',
      'error: nothing found (empty)',
    ]);
  });

  it('whose text was recorded in runs › has it once, and as much of a run as had been said', () => {
    const { turn_id } = scene.turn;
    const run = (sequence: number, at: number, text: string) => {
      return { type: 'text' as const, sequence, at, until: at + 100, actor: turn_id, from: 'a', count: 4, text };
    };
    const recorded = new RecordedLog();
    recorded.take({
      ...scene.log,
      actors: [actor('root'), actor('h'), actor('a'), turnActor(turn_id)],
      records: [run(1, 0, 'abcd'), run(2, 100, 'ef😀h')],
    });
    const { sequence, story } = seen(recorded);
    expect(arrowsOf(sequence)).toEqual(['agent > host: token ×8']);
    expect(sequence.isSampled).toBe(false);
    const [text] = transcriptOf(scene.turn, recorded, story).filter(({ kind }) => kind === 'text');
    if (text?.kind !== 'text') expect.unreachable();
    const at = (until: number, now: number) => shownText(text.pieces, until, now).text;
    expect([at(1, 50), at(1, 1_000), at(2, 150), at(2, 160), at(2, 1_000)]).toEqual([
      'ab',
      'abcd',
      'abcdef',
      // Half a character is none.
      'abcdef',
      'abcdef😀h',
    ]);
  });
});
