/*
 * What a key may be made for, by name (`docs/protocol.md#keys`), without the schemas: for pages and commands too, which need none.
 */

/** What stands before a key's own 43 characters: whoever looks for leaked secrets finds it by that. */
export const KEY_PREFIX = 'sbk_';

/**
 * The ways in that a key may be for: `ws` is the WebSocket, the others are the doors for other people's front ends.
 */
export const FRONTS = ['ws', 'openai', 'ag-ui', 'ai-sdk', 'a2a', 'acp', 'mcp'] as const;
/** See {@link FRONTS}. */
export type Front = (typeof FRONTS)[number];

/**
 * What somebody may do who is no agent (`docs/protocol.md#principals`). `chat`: open turns, and all that concerns its
 * own things. `observe`: look at its tenant's, and change nothing. `host`: the management of its tenant.
 */
export const SCOPES = ['chat', 'observe', 'host'] as const;
/** See {@link SCOPES}. */
export type Scope = (typeof SCOPES)[number];
