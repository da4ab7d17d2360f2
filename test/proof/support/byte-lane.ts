import { once } from 'node:events';
import { setImmediate as breathe } from 'node:timers/promises';
import { fatal, halfFrame, oddMessage } from './byte-lives.ts';
import { changedHead } from './changed-head.ts';
import { mutate } from './mutate.ts';
import type { Random } from './random.ts';
import { rawFrame } from './raw-frames.ts';
import { RawSocket, rawConnect, upgradeHead } from './raw-socket.ts';

/** Where a life's bytes go, and what it makes of its choices. */
export interface ByteLife {
  port: number;
  token: string;
  random: Random;
}

const MESSAGES = 25;
/** Statuses that it may be answered with: done, refused, no request at all, or, as no upgrade any more, the console. */
const STATUS = /^HTTP\/1\.1 (101|200|400|403|404|405|408|413|417|426|431|501|505) /;

/** One connection, from its first byte to its last. Returns how many frames it sent; a head of HTTP counts as one. */
export async function liveOnce(life: ByteLife): Promise<number> {
  const choice = life.random.next();
  if (choice < 0.15) return sendChangedHead(life);
  if (choice < 0.25) return sendAsStranger(life);
  return sendOddly(life);
}

/** Writes bytes in pieces, cut anywhere. */
async function writeCut(random: Random, socket: { write(bytes: Buffer): unknown }, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const to = random.chance(0.5) ? bytes.length : at + 1 + random.int(bytes.length - at);
    socket.write(bytes.subarray(at, to));
    at = to;
    if (random.chance(0.2)) await breathe();
  }
}

/** An upgrade that was changed gets an answer of HTTP, or none, and is over when its sender has no more to say. */
async function sendChangedHead({ port, random }: ByteLife): Promise<number> {
  const socket = rawConnect(port);
  let answer = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    answer += text;
  });
  const closed = once(socket, 'close');
  const head = changedHead(random, upgradeHead());
  socket.end(head);
  await closed;
  if (answer !== '' && !STATUS.test(answer))
    throw new Error(`${JSON.stringify(answer)} to ${JSON.stringify(head.toString('latin1'))}`);
  return 1;
}

/** Somebody who never says who they are: what they send is answered with errors at the most, and then they are closed. */
async function sendAsStranger({ port, random }: ByteLife): Promise<number> {
  const socket = await RawSocket.open(port);
  const answers: string[] = [];
  socket.onText = (text) => answers.push(text);
  const texts = Array.from({ length: 20 }, () => mutate(random, strangersMessage(random), random.int(3)));
  socket.sendTexts(texts);
  // What is not session.auth ends it, whatever the wrong tokens before it have done.
  socket.sendTexts(['{"jsonrpc":"2.0","id":"last","method":"agents.list"}']);
  const { code } = await socket.closed;
  const wrong = answers.find((text) => !Object.hasOwn(JSON.parse(text), 'error'));
  // Sending more than somebody may who has not said who they are ends it the same way.
  if (code !== 4401 || wrong !== undefined) throw new Error(`${code} and ${wrong} to\n${texts.join('\n')}`);
  return texts.length + 1;
}

function strangersMessage(random: Random): Record<string, unknown> {
  const event = { session_id: 's', kind: 'token', delta: 'x' };
  return random.chance(0.8)
    ? { jsonrpc: '2.0', method: 'agent.chat.event', params: event }
    : { jsonrpc: '2.0', id: random.int(99), method: 'session.auth', params: { token: 'wrong' } };
}

/** Messages as they should be, oddly framed, each answered once and in order; then something fatal. */
async function sendOddly({ port, token, random }: ByteLife): Promise<number> {
  const socket = await RawSocket.open(port);
  const answered: string[] = [];
  let look = () => {};
  socket.onText = (text) => {
    const { id, result } = JSON.parse(text);
    if (result) answered.push(id);
    look();
  };
  socket.sendTexts([JSON.stringify({ jsonrpc: '2.0', id: 'auth', method: 'session.auth', params: { token } })]);
  const pieces = Array.from({ length: MESSAGES }, (_, i) => oddMessage(random, `odd-${i}`));
  const end = fatal(random);
  const due = ['auth', ...pieces.map(({ id }) => id)];
  const pinged = pieces.flatMap((piece) => piece.pinged);
  const atOnce = random.chance(0.5);
  const bytes = Buffer.concat([...pieces.map((piece) => piece.bytes), ...(atOnce ? [end.bytes] : [])]);
  try {
    await writeCut(random, socket, bytes);
    if (!atOnce) {
      await Promise.race([
        socket.closed.then(({ code }) => Promise.reject(new Error(`closed with ${code}, ${answered.length} answered`))),
        new Promise<void>((resolve) => {
          look = () => answered.length === due.length && resolve();
          look();
        }),
      ]);
      await writeCut(random, socket, end.bytes);
    }
    if (!end.closes) leave(socket, random);
    const ended = await socket.closed;
    if (!end.fits(ended.code)) throw new Error(`closed with ${ended.code}`);
    expectSame(answered, due, atOnce);
    expectSame(socket.pongs, pinged, atOnce);
  } catch (error) {
    // The seed makes all of them again; of what was sent only the end is shown.
    const sent = bytes.subarray(-200).toString('hex');
    throw new Error(
      `${(error as Error).message}, after ${end.name}, ${atOnce ? 'at once' : 'by itself'}: …${sent} ${end.bytes.subarray(0, 200).toString('hex')}`,
    );
  }
  return MESSAGES + 1;
}

/** The daemon waits for more: there is none. */
function leave(socket: RawSocket, random: Random): void {
  if (random.chance(0.9)) socket.socket.end();
  else socket.reset();
}

/** All of them, or, where a fatal frame may have overtaken the answers, the first of them. */
function expectSame(found: readonly string[], due: readonly string[], mayBeCut: boolean): void {
  // What was changed on its way may be an answerable message, or a ping, too: they come after these.
  const length = mayBeCut ? Math.min(found.length, due.length) : due.length;
  for (let i = 0; i < length; i += 1) {
    if (found[i] !== due[i]) throw new Error(`the ${i}. answer is ${found[i]}, not ${due[i]}`);
  }
}

/** Half a frame, and then nothing. Resolves with the code that it is closed with. */
export async function fallSilent({ port, random }: ByteLife): Promise<number | undefined> {
  const socket = await RawSocket.open(port);
  socket.write(random.chance(0.5) ? halfFrame(random) : rawFrame('{', { fin: false }));
  return (await socket.closed).code;
}
