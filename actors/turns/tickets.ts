import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { parseJson } from '../../protocol/parse-json.ts';
import { Sealed } from '../../protocol/sealed.ts';
import { MAX_TICKET_BYTES } from '../../protocol/ticket.ts';
import type { Json } from '../../protocol/turn-journal.ts';
import { writeJson } from '../../protocol/write-json.ts';
import { type KeptFacts, readKeptFacts } from './kept-facts.ts';

/** So long after its turn was opened a ticket counts. Milliseconds. */
export const TICKET_LIFE_MS = 24 * 60 * 60 * 1_000;
/** What every ticket begins with: by that it is known as something that nobody is shown. */
const PREFIX = 'sbt_';
/** Of SHA-256, as base64url. */
const MAC_LENGTH = 43;

/** What brokers of one cluster can make for each other, since they share a secret, and nobody else can. */
export class Tickets {
  readonly #ofTickets: Sealed<Buffer>;
  readonly #ofPasses: Sealed<Buffer>;

  /**
   * @param tokens - of the broker's own. Both: whoever has the host token sees every turn already, of the other many clients know
   * @param cluster - its name, so that brokers of another one with the same tokens are strangers
   */
  constructor({ daemon, host }: { daemon: string; host: string }, cluster: string) {
    const key = (what: string) =>
      new Sealed(Buffer.from(hkdfSync('sha256', writeJson([daemon, host]), cluster, `switchboard ${what}`, 32)));
    this.#ofTickets = key('ticket');
    this.#ofPasses = key('pass');
  }

  /** What goes with `agent.chat`: with it any broker of the cluster takes the turn up. Undefined where it would be too long. */
  issue(facts: KeptFacts): string | undefined {
    // What is shown of it alone may be long, and is not needed.
    for (const said of [facts, { ...facts, model: undefined, tracestate: undefined }]) {
      const body = Buffer.from(writeJson(said)).toString('base64url');
      const ticket = `${PREFIX}${macOf(this.#ofTickets, body)}${body}`;
      if (ticket.length <= MAX_TICKET_BYTES) return ticket;
    }
    return undefined;
  }

  /**
   * What a ticket says; undefined where no broker of this cluster has made it, or too long ago.
   * @param now - Unix milliseconds
   */
  read(ticket: string, now: number): KeptFacts | undefined {
    if (ticket.length > MAX_TICKET_BYTES || !ticket.startsWith(PREFIX)) return undefined;
    const bodyAt = PREFIX.length + MAC_LENGTH;
    const body = ticket.slice(bodyAt);
    if (!isSame(ticket.slice(PREFIX.length, bodyAt), macOf(this.#ofTickets, body))) return undefined;
    const facts = readKeptFacts(parseJson(Buffer.from(body, 'base64url').toString()) as Json);
    return facts && now - facts.created_at < TICKET_LIFE_MS ? facts : undefined;
  }

  /** By which a broker goes on reading a turn for a connection of its own, wherever that turn is now. No client ever has it. */
  passOf(turnId: string): string {
    return macOf(this.#ofPasses, turnId);
  }

  /** The same from every broker with the same tokens: what they are cannot be learned from it. No turn has an empty id. */
  get proof(): string {
    return this.passOf('');
  }

  isPass(turnId: string, said: string | undefined): boolean {
    return said !== undefined && isSame(said, this.passOf(turnId));
  }
}

const macOf = (key: Sealed<Buffer>, text: string): string =>
  createHmac('sha256', key.open()).update(text).digest('base64url');

/** In a time that depends on neither. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
