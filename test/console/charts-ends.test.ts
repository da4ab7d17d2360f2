import { describe, expect, it } from 'vitest';
import { endOf } from '../../console/charts/ends.ts';
import { graphOfMachine, machines } from './charts-support.ts';

/** Ends that say no more than that it is over. */
const PLAIN = ['closed', 'stopped', 'released'];

describe('endOf', () => {
  it.each(machines.map((machine) => [machine.id, machine] as const))(
    '%s › knows what each of its ends means',
    (_, machine) => {
      const ends = graphOfMachine(machine).states.filter(({ type }) => type === 'final');
      const unknown = ends.filter(({ name }) => endOf(name) === undefined && !PLAIN.includes(name));
      expect(ends.length).toBeGreaterThan(0);
      expect(unknown.map(({ name }) => name)).toEqual([]);
    },
  );

  it('tells the ends of a turn apart', () => {
    const meanings = ['done', 'cancelled', 'abandoned', 'failed', 'refused'].map(endOf);
    expect(meanings).toEqual(['good', 'calm', 'warn', 'bad', 'bad']);
  });
});
