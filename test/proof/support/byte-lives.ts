import type { Random } from './random.ts';
import { Opcode, rawFrame } from './raw-frames.ts';

/** One message, and what the daemon has to answer. */
export interface Piece {
  bytes: Buffer;
  /** Of the request that it is. */
  id: string;
  /** Payloads of the pings between its fragments. */
  pinged: string[];
}

/** The last that a client writes, and what it is closed with; none where it goes on waiting. */
export interface Fatal {
  name: string;
  bytes: Buffer;
  fits: (code: number | undefined) => boolean;
  /** Whether the daemon closes by itself. */
  closes: boolean;
}

const chunks = (random: Random, bytes: Buffer, most: number): Buffer[] => {
  const cuts = Array.from({ length: random.int(most) }, () => random.int(bytes.length + 1)).sort((a, b) => a - b);
  return [0, ...cuts].map((from, i) => bytes.subarray(from, cuts[i] ?? bytes.length));
};

/**
 * One request that is as it should be, in a way that is not usual: in fragments, cut through its characters, some of
 * them empty, pings and pongs between them, masks of all kinds, lengths written longer than they need.
 */
export function oddMessage(random: Random, id: string): Piece {
  const text = JSON.stringify({
    jsonrpc: '2.0',
    id,
    method: 'tools.list',
    params: { note: 'Zoë 👋'.repeat(random.int(60)) },
  });
  const pinged: string[] = [];
  const frames: Buffer[] = [];
  const parts = chunks(random, Buffer.from(text), 8);
  for (const [i, part] of parts.entries()) {
    frames.push(
      rawFrame(part, {
        opcode: i === 0 ? Opcode.text : Opcode.continuation,
        fin: i === parts.length - 1,
        mask: random.bytes(4),
        ...(random.chance(0.1) ? { lengthBytes: 9 } : {}),
      }),
    );
    if (i < parts.length - 1 && random.chance(0.5)) {
      const payload = random.bytes(random.pick([0, 1, 125]));
      const opcode = random.pick([Opcode.ping, Opcode.pong]);
      frames.push(rawFrame(payload, { opcode, mask: random.bytes(4) }));
      if (opcode === Opcode.ping) pinged.push(payload.toString('latin1'));
    }
  }
  return { bytes: Buffer.concat(frames), id, pinged };
}

const badText = (random: Random) =>
  random.pick([
    Buffer.of(0xc3, 0x28),
    Buffer.of(0xff),
    Buffer.of(0xed, 0xa0, 0x80),
    Buffer.of(0xf4, 0x90, 0x80, 0x80),
    Buffer.of(0xc0, 0xaf),
    Buffer.of(0xe2, 0x82),
  ]);

type Make = (random: Random) => Buffer;

/** What ends a connection, each with the code that RFC 6455, or `wire.md` section 1, has for it. */
const FATAL: readonly [name: string, code: number, make: Make][] = [
  ['no mask', 1002, (random) => rawFrame(random.bytes(random.int(200)), { mask: false })],
  ['a reserved bit', 1002, (random) => rawFrame('{}', { reserved: random.pick([0x10, 0x20, 0x30, 0x40, 0x70]) })],
  ['an unknown opcode', 1002, (random) => rawFrame('{}', { opcode: random.pick([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) })],
  [
    'a continuation of nothing',
    1002,
    (random) => rawFrame('{}', { opcode: Opcode.continuation, fin: random.chance(0.5) }),
  ],
  ['a text inside a text', 1002, () => Buffer.concat([rawFrame('{', { fin: false }), rawFrame('{}')])],
  ['a control frame in fragments', 1002, (random) => rawFrame('', { opcode: random.pick([8, 9, 10]), fin: false })],
  [
    'a control frame that is too long',
    1002,
    (random) => rawFrame(random.bytes(126 + random.int(300)), { opcode: random.pick([8, 9, 10]) }),
  ],
  ['a close of one byte', 1002, () => rawFrame(Buffer.of(3), { opcode: Opcode.close })],
  [
    'a close code that there is not',
    1002,
    (random) => {
      const code = random.pick([0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535]);
      return rawFrame(Buffer.of(code >> 8, code & 0xff), { opcode: Opcode.close });
    },
  ],
  ['a close reason of bad UTF-8', 1007, (random) => closeWith(1000, badText(random))],
  ['bad UTF-8', 1007, (random) => rawFrame(Buffer.concat([Buffer.from('"'), badText(random), Buffer.from('"')]))],
  [
    'bad UTF-8 that only its fragments make',
    1007,
    () =>
      Buffer.concat([
        rawFrame(Buffer.of(0xe2, 0x82), { fin: false }),
        rawFrame(Buffer.of(0x28), { opcode: Opcode.continuation }),
      ]),
  ],
  [
    'a length beyond what there is',
    1009,
    (random) => rawFrame('{}', { length: 2n ** BigInt(54 + random.int(10)) - 1n }),
  ],
  ['a length beyond the limit', 1009, (random) => rawFrame('{}', { length: 16 * 1024 * 1024 + 1 + random.int(1e9) })],
  [
    'fragments beyond the limit together',
    1009,
    () =>
      Buffer.concat([
        rawFrame('x'.repeat(1024), { fin: false }),
        rawFrame('', { opcode: Opcode.continuation, length: 16 * 1024 * 1024 }),
      ]),
  ],
  [
    'a binary frame',
    1003,
    (random) => rawFrame(random.bytes(random.int(60)), { opcode: Opcode.binary, mask: random.bytes(4) }),
  ],
  ['a close as it should be', 1000, () => closeWith(1000, Buffer.from('bye'))],
  ['a close of a code of its own', 4999, () => closeWith(4999, Buffer.alloc(0))],
];

function closeWith(code: number, reason: Buffer): Buffer {
  return rawFrame(Buffer.concat([Buffer.of(code >> 8, code & 0xff), reason]), { opcode: Opcode.close });
}

/** What changed bytes may come to: nothing yet, the close of a broken frame, or the answer to a close that they became. */
function fitsAnything(code: number | undefined): boolean {
  return (
    code === undefined || [1000, 1001, 1002, 1003, 1005, 1007, 1009].includes(code) || (code >= 3000 && code < 5000)
  );
}

/** What ends a life: something that is always fatal, or valid bytes that were changed somewhere, and are whatever they are. */
export function fatal(random: Random): Fatal {
  if (random.chance(0.6)) {
    const [name, code, make] = random.pick(FATAL);
    return { name, bytes: make(random), fits: (closed) => closed === code, closes: true };
  }
  if (random.chance(0.2)) {
    return { name: 'half a frame', bytes: halfFrame(random), fits: (closed) => closed === undefined, closes: false };
  }
  const bytes = Buffer.concat(Array.from({ length: 4 }, (_, i) => oddMessage(random, `mutated-${i}`).bytes));
  return { name: 'changed bytes', bytes: changeBytes(random, bytes), fits: fitsAnything, closes: false };
}

/** A frame that never ends. */
export function halfFrame(random: Random): Buffer {
  const frame = oddMessage(random, 'half').bytes;
  return frame.subarray(0, 1 + random.int(Math.min(frame.length - 1, 20)));
}

/** Flips, drops, replaces or adds some bytes. */
export function changeBytes(random: Random, bytes: Buffer): Buffer {
  let changed = Buffer.from(bytes);
  for (let i = 0; i <= random.int(4); i += 1) {
    const at = random.int(changed.length);
    changed = random.pick([
      () => Buffer.concat([changed.subarray(0, at), Buffer.of(random.int(256)), changed.subarray(at + 1)]),
      () => Buffer.concat([changed.subarray(0, at), changed.subarray(at + 1)]),
      () => Buffer.concat([changed.subarray(0, at), random.bytes(1 + random.int(8)), changed.subarray(at)]),
      () =>
        Buffer.concat([
          changed.subarray(0, at),
          Buffer.of((changed[at] ?? 0) ^ (1 << random.int(8))),
          changed.subarray(at + 1),
        ]),
    ])();
  }
  return changed;
}
