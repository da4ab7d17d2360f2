import { systemLinkClock } from '../../../dist/link/clock.js';
import { Peers } from '../../../dist/link/peers.js';
import { UnixCarrier } from '../../../dist/link/unix-carrier.js';

/*
 * A broker that does nothing but hear what its links tell: `link-broker.js directory id epoch peer…`. Asked for it, by any
 * message, it says what it has heard: events, and of each peer how many tokens in a row, numbered from 1 on each link.
 */

const [directory, id, epoch, ...others] = process.argv.slice(2);
const carrier = new UnixCarrier({ self: id, directory });
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
for (const peer of others) carrier.connect(peer);
await peers.open();
process.on('message', () => process.send({ events, counts }));
// Whoever has started it is gone.
process.on('disconnect', () => process.exit());
process.send({ events, counts });
