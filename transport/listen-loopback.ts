import type { Address, Listener } from './listener.ts';

/** What a machine says that has no such address, or nothing of that family. */
const NOT_HERE: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EPROTONOSUPPORT']);
/** How many free ports are tried until one is free in both families. */
const MAX_TRIES = 16;

/**
 * Listens on `127.0.0.1` and, where the machine has it, on `[::1]`, on the same port (`wire.md` section 1): browsers and
 * libraries differ in which of the two `localhost` is to them.
 * @param make makes a listener that does not listen yet.
 * @returns all that listen, and the address of the first.
 * @throws {Error} Node's own: `EADDRINUSE` also where the port is free in one family only, and was asked for by its number.
 */
export async function listenLoopback(
  make: () => Listener,
  port: number,
): Promise<{ listeners: Listener[]; address: Address }> {
  for (let tries = 1; ; tries += 1) {
    const [four, six] = [make(), make()];
    const address = await four.listen({ host: '127.0.0.1', port });
    try {
      await six.listen({ host: '::1', port: address.port ?? port });
      return { listeners: [four, six], address };
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (NOT_HERE.has(code)) return { listeners: [four], address };
      await four.close();
      if (port !== 0 || code !== 'EADDRINUSE' || tries >= MAX_TRIES) throw error;
    }
  }
}
