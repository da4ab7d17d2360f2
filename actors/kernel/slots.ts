import type { Client } from './client.ts';

/** What a room keeps of each connection, beside the connection's own record. */
export interface Slot<T> {
  /** Made when it is first asked for: an idle connection holds nothing. */
  of(client: Client): T;
  /** The same, where it was made. */
  peek(client: Client): T | undefined;
}

let count = 0;

/** A place of its own in every connection's record. Called once for each, beside the type that it holds. */
export function slot<T extends object>(make: () => T): Slot<T> {
  const place = count;
  count += 1;
  return {
    of(client) {
      const known = client.slots?.[place];
      if (known !== undefined) return known as T;
      const made = make();
      client.slots ??= [];
      // No holes: an array with holes is a slow one.
      while (client.slots.length <= place) client.slots.push(undefined);
      client.slots[place] = made;
      return made;
    },
    peek: (client) => client.slots?.[place] as T | undefined,
  };
}
