import type { Carrier } from '../../../link/carrier.ts';
import { type LinkClock, systemLinkClock } from '../../../link/clock.ts';
import type { PeerLinkHandlers } from '../../../link/peer-link.ts';
import { Peers } from '../../../link/peers.ts';

/** Real time, of which the protocol sees a twentieth: a slow machine makes nobody silent. */
export const slowClock: LinkClock = { ...systemLinkClock, now: () => systemLinkClock.now() / 20 };

/** A broker that does nothing but hear what its links and its members tell. */
export function brokerOf(
  id: string,
  carrier: Carrier,
  { clock, epoch = `${id}-1`, also = {} }: { clock?: LinkClock; epoch?: string; also?: Partial<PeerLinkHandlers> } = {},
) {
  const heard: string[] = [];
  const faults: unknown[] = [];
  const note = (what: string) => (member: { epoch: string }) => void heard.push(`${what} ${member.epoch}`);
  const peers = new Peers({
    self: { id, epoch },
    carrier,
    ...(clock ? { clock } : {}),
    vitals: () => ({ urls: [`ws://${id}`], load: 0.1, turns: 2 }),
    members: {
      joined: note('joined'),
      suspected: note('suspected'),
      recovered: note('recovered'),
      died: note('died'),
      forgotten: () => {},
    },
    failed: (error) => faults.push(error),
    listen: ({ peer }) => ({
      opened: (life) => heard.push(`opened ${life}`),
      stalled: () => {},
      flowing: () => {},
      lost: (why) => heard.push(`lost ${peer} ${why}`),
      entry: ({ kind, body }) => heard.push(`${kind} of ${peer}: ${body}`),
      token: ({ delta }) => heard.push(`token of ${peer}: ${delta}`),
      ...also,
    }),
  });
  const say = (peer: string, delta: string) =>
    peers.link(peer)?.sendToken({ stream: 1, seq: 1, seqFrom: 1, delta }) ?? false;
  return { peers, heard, faults, say };
}
