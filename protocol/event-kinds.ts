/*
 * What is to be known of kinds of events without their schemas (`wire.md` section 6): the SDK has it without zod.
 */

/** Those that end a turn. */
export const TERMINAL_KINDS: ReadonlySet<string> = new Set(['done', 'error', 'auth_required']);

/**
 * The kinds that only the broker sends: of what it has parked for a turn at the gate (`wire.md` section 5), and of the turn's
 * agent (section 8). From an agent they are dropped: whoever reads one may take it for the broker's word.
 */
export const BROKER_KINDS: ReadonlySet<string> = new Set(['gate_pending', 'gate_resolved', 'agent_away', 'agent_back']);
