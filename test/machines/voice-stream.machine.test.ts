import { expect, test } from 'vitest';
import type { EventObject } from 'xstate';
import {
  type VoiceStreamEvent,
  type VoiceStreamFacts,
  voiceStreamMachine,
} from '../../machines/voice-stream.machine.ts';
import { type Chart, outcomesOf, playTo, type Row, reachedBy, start, transitionsOf } from './chart.ts';
import { testRows } from './chart-rows.ts';

type Facts = { -readonly [K in keyof VoiceStreamFacts]: VoiceStreamFacts[K] };

const answered = (answer: Extract<VoiceStreamEvent, { type: 'call.answered' }>['answer']): VoiceStreamEvent => ({
  type: 'call.answered',
  id: 'sb-1',
  answer,
});
const accepted = answered({ result: { accepted: true } });
const nothing = answered({ result: null });
const declined = answered({ result: { accepted: false } });
const error = answered({ error: { code: 1, message: 'oh' } });
const audio: VoiceStreamEvent = { type: 'voice.audio', audio: new Uint8Array(2) };
const event: VoiceStreamEvent = { type: 'voice.event', params: { stream_id: 's', type: 'partial', text: 'a' } };
const chunk: VoiceStreamEvent = { type: 'stream.chunk', format: 'wav', audio: new Uint8Array(2) };
const stop: VoiceStreamEvent = { type: 'stream.stop' };
const cancel: VoiceStreamEvent = { type: 'stream.cancel' };
const expired: VoiceStreamEvent = { type: 'stream.expired' };
const fail: VoiceStreamEvent = { type: 'stream.fail', code: 'stale', message: 'silent' };
const ended: VoiceStreamEvent = { type: 'provider.ended' };
const gone: VoiceStreamEvent = { type: 'client.gone' };
const everyEvent = [
  ...[accepted, nothing, declined, error, audio, event, chunk],
  ...[stop, cancel, expired, fail, ended, gone],
];

const chart: Chart<Facts> = {
  machine: voiceStreamMachine,
  facts: () => ({ providerId: 's', isStopAsked: false }),
  input: (stream) => ({ stream }),
  ways: {
    starting: { by: [] },
    running: { by: [accepted] },
    finishing: { by: [accepted, stop] },
  },
};

const stopped = { isStopAsked: true };
const onEnd = ['tellEnded', 'answerStops'];
const onFail = ['cancelProvider', 'tellFailed', 'answerStops'];
const onCancel = ['cancelProvider', 'tellEnded', 'answerStops'];
const rows: Row<Facts>[] = [
  { in: 'starting', on: accepted, to: 'running', does: ['forgetCall', 'confirmStart'] },
  { in: 'starting', on: nothing, to: 'running', does: ['forgetCall', 'confirmStart'] },
  {
    in: 'starting',
    on: accepted,
    given: stopped,
    to: 'finishing',
    does: ['forgetCall', 'confirmStart', 'askToFinish'],
  },
  { in: 'starting', on: declined, to: 'refused', does: ['forgetCall', 'refuseAsRejected'] },
  { in: 'starting', on: error, to: 'refused', does: ['forgetCall', 'refuseAsRejected'] },
  { in: 'starting', on: audio, does: ['sendAudio'] },
  { in: 'starting', on: event, to: 'running', does: ['forgetCall', 'confirmStart', 'deliver'] },
  { in: 'starting', on: chunk, to: 'running', does: ['forgetCall', 'confirmStart', 'deliverChunk'] },
  { in: 'starting', on: stop, does: ['noteStop'] },
  {
    in: 'starting',
    on: cancel,
    to: 'cancelled',
    does: ['forgetCall', 'confirmStart', 'confirmCancel', ...onCancel],
  },
  { in: 'starting', on: expired, to: 'refused', does: ['forgetCall', 'refuseAsSilent', 'cancelProvider'] },
  { in: 'starting', on: fail, to: 'refused', does: ['forgetCall', 'refuseAsFailed', 'cancelProvider'] },
  { in: 'starting', on: ended, to: 'ended', does: ['forgetCall', 'confirmStart', ...onEnd] },
  { in: 'starting', on: gone, to: 'abandoned', does: ['forgetCall', 'cancelProvider'] },
  { in: 'running', on: audio, does: ['sendAudio'] },
  { in: 'running', on: event, does: ['deliver'] },
  { in: 'running', on: chunk, does: ['deliverChunk'] },
  { in: 'running', on: stop, to: 'finishing', does: ['noteStop', 'askToFinish'] },
  { in: 'running', on: cancel, to: 'cancelled', does: ['confirmCancel', ...onCancel] },
  { in: 'running', on: fail, to: 'failed', does: onFail },
  { in: 'running', on: ended, to: 'ended', does: onEnd },
  { in: 'running', on: gone, to: 'abandoned', does: ['cancelProvider'] },
  { in: 'finishing', on: event, does: ['deliver'] },
  { in: 'finishing', on: chunk, does: ['deliverChunk'] },
  { in: 'finishing', on: stop, does: ['noteStop'] },
  { in: 'finishing', on: cancel, to: 'cancelled', does: ['forgetCall', 'confirmCancel', ...onCancel] },
  { in: 'finishing', on: expired, to: 'ended', does: ['forgetCall', 'cancelProvider', ...onEnd] },
  { in: 'finishing', on: fail, to: 'failed', does: ['forgetCall', ...onFail] },
  { in: 'finishing', on: ended, to: 'ended', does: ['forgetCall', ...onEnd] },
  { in: 'finishing', on: gone, to: 'abandoned', does: ['forgetCall', 'cancelProvider'] },
];

test('voiceStreamMachine › when it starts › then the provider is asked', () => {
  const play = start(chart);
  expect(play.value()).toBe('starting');
  expect(play.did).toEqual(['callProvider']);
});

testRows('voiceStreamMachine', chart, rows, (event) => ('answer' in event ? ` ${JSON.stringify(event.answer)}` : ''));

test('voiceStreamMachine › when its rows above are counted › then every transition of the chart is among them', () => {
  const shown = outcomesOf(rows);
  for (const [transition, candidates] of transitionsOf(voiceStreamMachine)) {
    expect(shown.get(transition), transition).toBeGreaterThanOrEqual(candidates);
  }
});

for (const state of Object.keys(chart.ways)) {
  const heard = new Set(rows.filter((row) => row.in === state).map((row) => row.on.type));
  for (const ignored of everyEvent.filter(({ type }) => !heard.has(type))) {
    const detail = 'answer' in ignored ? ` ${JSON.stringify(ignored.answer)}` : '';
    test(`voiceStreamMachine › when ${ignored.type}${detail} comes while ${state} › then it is ignored`, () => {
      const play = playTo(chart, state);
      play.actor.send(ignored);
      expect(play.value()).toBe(state);
      expect(play.did).toEqual([]);
    });
  }
}

/** The ways to the finals, and how often the client is told of the end on each. */
const ENDINGS: [final: string, way: EventObject[], told: number][] = [
  ['ended', [accepted, event, stop, event, ended], 1],
  ['ended', [ended], 1],
  ['ended', [accepted, stop, expired], 1],
  ['failed', [accepted, fail], 1],
  ['cancelled', [accepted, cancel], 1],
  ['abandoned', [accepted, gone], 0],
  ['refused', [declined], 0],
];
for (const [final, way, told] of ENDINGS) {
  test(`voiceStreamMachine › when it is ${final} by ${way.map(({ type }) => type).join(', ')} › then nothing that still comes does anything`, () => {
    const play = start(chart);
    for (const one of way) play.actor.send(one);
    expect(play.value()).toBe(final);
    expect(play.did.filter((action) => ['tellEnded', 'tellFailed'].includes(action))).toHaveLength(told);
    play.did.length = 0;
    for (const one of everyEvent) play.actor.send(one);
    expect(play.value()).toBe(final);
    expect(play.did).toEqual([]);
  });
}

test('voiceStreamMachine › when all its paths are walked › then every state and every final is reached', () => {
  const reached = reachedBy(chart, everyEvent, [chart.facts(), { ...chart.facts(), ...stopped }]);
  expect([...reached].sort()).toEqual(Object.keys(voiceStreamMachine.states).sort());
});
