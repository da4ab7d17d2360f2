import { systemLinkClock } from '../../../dist/link/clock.js';
import { Peers } from '../../../dist/link/peers.js';

/**
 * A broker that does nothing but hear what its links tell. Asked for it by whoever has started its process, with any message,
 * it says what it has heard: events, and of each peer how many tokens in a row, numbered from 1 on each link.
 */
export async function listen(id, epoch, carrier) {
  const events = [];
  const counts = {};
  const nothing = () => {};
  const peers = new Peers({
    self: { id, epoch },
    carrier,
    // A machine that is slow makes nobody silent.
    clock: { ...systemLinkClock, now: () => systemLinkClock.now() / 20 },
    vitals: () => ({ urls: [], load: 0, turns: 0 }),
    members: { joined: nothing, suspected: nothing, recovered: nothing, died: nothing },
    failed: (error) => events.push(`fault ${error}`),
    listen: ({ peer }) => ({
      opened: (life) => {
        events.push(`opened ${life}`);
        counts[peer] = 0;
      },
      stalled: nothing,
      flowing: nothing,
      lost: (why) => events.push(`lost ${peer} ${why}`),
      entry: ({ kind, body }) => events.push(`${kind} of ${peer}: ${body}`),
      token: ({ delta }) => {
        const n = Number.parseInt(delta, 10);
        if (n !== counts[peer] + 1) events.push(`${peer} said ${n} after ${counts[peer]}`);
        counts[peer] = n;
      },
    }),
  });
  await peers.open();
  process.on('message', () => process.send({ events, counts }));
  // Whoever has started it is gone.
  process.on('disconnect', () => process.exit());
  process.send({ events, counts });
}
