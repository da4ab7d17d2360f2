import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { type SurfaceOwnerEvent, surfaceOwnerMachine } from '../../machines/surface-owner.machine.ts';

/** An owner's actor over a record of the test's, and what its effects were asked to do. */
function start(owner = { id: 'surfaces-1', surfaceCount: 1, pendingCount: 0 }) {
  const done: string[] = [];
  const note = (name: string) => () => void done.push(name);
  const actor = createActor(
    surfaceOwnerMachine.provide({
      actions: {
        announce: note('announce'),
        sendAction: () => {
          done.push('sendAction');
        },
        settleAction: () => {
          owner.pendingCount -= 1;
          done.push('settleAction');
        },
        expireAction: () => {
          owner.pendingCount -= 1;
          done.push('expireAction');
        },
        refuseActions: note('refuseActions'),
      },
    }),
    { input: { owner } },
  );
  actor.start();
  const send = (type: SurfaceOwnerEvent['type']) =>
    actor.send({ type, changes: [], actionId: 'action-1' } as SurfaceOwnerEvent);
  return { owner, done, send, state: () => actor.getSnapshot().value };
}

describe('surfaceOwnerMachine', () => {
  it('when its first surface comes › holds it, and announces it', () => {
    const { done, send, state } = start();
    expect(state()).toBe('opening');
    send('owner.changed');
    expect([state(), ...done]).toEqual(['holding', 'announce']);
  });

  it.each(['owner.settled', 'owner.expired'] as const)(
    'when actions are on their way › waits for the last %s',
    (end) => {
      const { owner, send, state } = start();
      send('owner.changed');
      owner.pendingCount = 2;
      send('owner.send');
      send('owner.send');
      send(end);
      expect(state()).toBe('sending');
      send(end);
      expect(state()).toBe('holding');
    },
  );

  it('when its last surface goes › is released, but not before its actions are back', () => {
    const { owner, done, send, state } = start();
    send('owner.changed');
    owner.pendingCount = 1;
    send('owner.send');
    owner.surfaceCount = 0;
    send('owner.changed');
    expect(state()).toBe('sending');
    send('owner.settled');
    expect(state()).toBe('released');
    expect(done).toEqual(['announce', 'sendAction', 'announce', 'settleAction']);
  });

  it('when its agent is removed › refuses its actions, and is released with its surfaces', () => {
    const { owner, done, send, state } = start();
    send('owner.changed');
    send('owner.revoked');
    expect(state()).toBe('holding');
    owner.pendingCount = 1;
    send('owner.send');
    send('owner.revoked');
    expect([state(), done.at(-1)]).toEqual(['sending', 'refuseActions']);
    owner.pendingCount = 0;
    send('owner.revoked');
    expect(state()).toBe('holding');
    owner.surfaceCount = 0;
    send('owner.changed');
    expect(state()).toBe('released');
  });

  it.each([0, 1])('when the broker stops with %i actions on their way › is released, and refuses them', (pending) => {
    const { owner, done, send, state } = start();
    send('owner.changed');
    owner.pendingCount = pending;
    if (pending > 0) send('owner.send');
    send('owner.drain');
    expect(state()).toBe('released');
    expect(done.includes('refuseActions')).toBe(pending > 0);
  });
});
