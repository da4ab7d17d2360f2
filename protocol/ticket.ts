/**
 * Bytes of a ticket at most. With it an agent goes on with a turn at a broker that has never heard of it (`docs/protocol.md`,
 * section 8): ASCII, and nobody's to read but a broker's of the same cluster.
 */
export const MAX_TICKET_BYTES = 2_048;
