import { Counter, Gauge, type Registry } from 'prom-client';
import type { BrokerState } from '../actors/kernel/broker-state.ts';
import { VOICE_CAPABILITIES } from '../protocol/voice.ts';

const KINDS = Object.keys(VOICE_CAPABILITIES);
const STATES = ['starting', 'running', 'finishing'];

/** What `/metrics` tells of voice streams, each by its kind and state. */
export function addVoice(registry: Registry, state: BrokerState): void {
  registry.registerMetric(
    new Gauge({
      name: 'switchboard_voice_streams',
      help: 'Live voice streams by kind and state.',
      labelNames: ['kind', 'state'],
      registers: [],
      collect() {
        this.reset();
        for (const kind of KINDS) for (const value of STATES) this.set({ kind, state: value }, 0);
        for (const { kind, ref } of state.voice) this.inc({ kind, state: String(ref?.getSnapshot().value) });
      },
    }),
  );
  registry.registerMetric(
    new Counter({
      name: 'switchboard_voice_streams_total',
      help: 'Voice streams opened since the start, by kind.',
      labelNames: ['kind'],
      registers: [],
      collect() {
        this.reset();
        for (const [kind, count] of Object.entries(state.counters.voiceStreams)) this.inc({ kind }, count);
      },
    }),
  );
  registry.registerMetric(
    new Counter({
      name: 'switchboard_voice_streams_ended_total',
      help: 'Voice streams ended since the start, by kind and how.',
      labelNames: ['kind', 'ending'],
      registers: [],
      collect() {
        this.reset();
        for (const [key, count] of state.counters.voiceEndings) {
          const [kind = '', ending = ''] = key.split(' ');
          this.inc({ kind, ending }, count);
        }
      },
    }),
  );
}
