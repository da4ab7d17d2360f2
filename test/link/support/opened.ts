import { FrameKind, readHead } from '../../../link/frame.ts';
import { FLUSH_MS, LossyNet, type Side } from './lossy-net.ts';

/** Two ends that know each other; nothing is on its way. */
export function opened(handlers?: ConstructorParameters<typeof LossyNet>[0]) {
  const net = new LossyNet(handlers);
  net.calm(1_000);
  return net;
}

export const say = (net: LossyNet, from: Side, delta: string, seq = 1) =>
  net.ends[from].link.sendToken({ stream: 1, seq, seqFrom: seq, delta });
/** The same in a batch of its own. */
export function sayAlone(net: LossyNet, from: Side, delta: string, seq = 1) {
  say(net, from, delta, seq);
  net.ends[from].clock.advance(FLUSH_MS);
}
/** Kinds of the frames that are on their way to that side. */
export const kinds = (net: LossyNet, to: Side) => net.onTheWay[to].map((frame) => readHead(frame)?.kind);
export const batches = (net: LossyNet, to: Side) => kinds(net, to).filter((kind) => kind === FrameKind.batch).length;
