import { z } from 'zod';
import { anyId, list, listing, longText, nameText, shortText, truncated } from './bounds.ts';
import { inspectedActor, inspectRecord, machineDefinition } from './inspect.ts';
import { RECORDED_STATES } from './recorded-states.ts';

/*
 * The flight recorder: turns that can be opened again, live ones and those that have ended. For the host role; it does not
 * need `--inspect`.
 */

const unixMs = z.number().meta({ description: 'Unix milliseconds' });
const milliseconds = z.number().nonnegative().meta({ description: 'milliseconds' });
const count = z.number().int().nonnegative();

/** Where a recorded turn stands, or how it ended: the words of `agents.chat.sessions`, and its chart's ends. */
export const recordedState = z.enum(RECORDED_STATES);
/** See {@link recordedState}. */
export type RecordedState = z.infer<typeof recordedState>;

/** One turn, as a line of a table tells it. */
export const recordedTurn = z.object({
  turn_id: anyId(),
  session_id: anyId(),
  agent_id: anyId(),
  host: anyId().meta({ description: 'the client that opened it' }),
  principal: shortText().optional(),
  tenant: nameText().optional().meta({ description: 'absent: `default`' }),
  front: nameText().optional().meta({ description: 'by which front it came' }),
  prompt: shortText().meta({ description: 'how its prompt begins, secrets masked' }),
  state: recordedState,
  started_at: unixMs,
  ended_at: unixMs.optional().meta({ description: 'absent while it is live' }),
  first_token_ms: milliseconds.optional().meta({ description: 'from its opening to the first token' }),
  streaming_ms: milliseconds.optional().meta({ description: 'from the first token to the last' }),
  tokens: count,
  tools: count.meta({
    description: 'tool calls: through the broker, or as its agent tells of them, whichever are more',
  }),
  tools_failed: count,
  tool_names: list(nameText(), 100).meta({ description: 'which, each once' }),
  approvals: count,
  waited_ms: milliseconds.meta({ description: 'for people: approvals, those that are open included' }),
  error: z.object({ code: z.union([z.number(), nameText()]), message: shortText() }).optional(),
  broker: nameText().optional().meta({ description: 'in a cluster: the broker that has recorded it' }),
});
/** See {@link recordedTurn}. */
export type RecordedTurn = z.infer<typeof recordedTurn>;

/**
 * One thing that happened in a turn: a record of the inspection feed, or a run of text. A `text` stands for `count` tokens that
 * came one behind the other, nothing else between them: from `at` to `until`.
 */
export const recordedEvent = z.union([
  inspectRecord,
  z.object({
    sequence: z.number(),
    at: unixMs,
    type: z.literal('text'),
    actor: anyId().meta({ description: 'the turn' }),
    from: anyId().nullable(),
    until: unixMs,
    count: count,
    text: longText().meta({ description: 'secrets masked; cut where the turn has no more room' }),
    cut: count.optional().meta({ description: 'characters that were left out at its end' }),
  }),
]);
/** See {@link recordedEvent}. */
export type RecordedEvent = z.infer<typeof recordedEvent>;

export const inspectTurnsParams = z.object({
  agent: anyId().optional(),
  state: list(recordedState, 20).optional().meta({ description: 'any of these; absent: all' }),
  tool: nameText().optional().meta({ description: 'it called a tool of this name' }),
  text: shortText().optional().meta({ description: 'in its prompt, its answer or its error, whatever the case' }),
  since: unixMs.optional().meta({ description: 'began then or later' }),
  until: unixMs.optional().meta({ description: 'began before' }),
  limit: z.number().int().min(1).max(1_000).default(100),
  cursor: shortText().optional().meta({ description: 'where the page before ended' }),
});
/** What `inspect.turns` is asked. */
export type RecordedTurnsAsked = z.input<typeof inspectTurnsParams>;

export const inspectTurnsResult = z.object({
  turns: listing(recordedTurn).meta({ description: 'the newest first' }),
  cursor: shortText().optional().meta({ description: 'there are older ones' }),
  truncated,
  kept: z.object({
    turns: count,
    bytes: count,
    dropped: count.meta({ description: 'turns that went for want of room, since the start' }),
    on_disk: z.boolean(),
  }),
});
/** `inspect.turns`' answer. */
export type RecordedTurns = z.infer<typeof inspectTurnsResult>;

export const inspectTurnParams = z.object({
  turn_id: anyId(),
  after: z
    .number()
    .int()
    .nonnegative()
    .optional()
    .meta({ description: 'only what has a greater sequence: the rest is there' }),
});
/** What `inspect.turn` is asked. */
export type RecordedTurnAsked = z.input<typeof inspectTurnParams>;

export const inspectTurnResult = z.object({
  turn: recordedTurn,
  machines: z.record(nameText(), machineDefinition).meta({ description: 'the charts of its actors, by machine id' }),
  actors: listing(inspectedActor).meta({ description: 'those that were there before its first record, as they stood' }),
  records: listing(recordedEvent),
  next: z.number().meta({ description: '`after` of whoever has all of this' }),
  more: z.literal(true).optional().meta({ description: 'ask again with `after: next`: a message has no more room' }),
});
/** `inspect.turn`'s answer. */
export type RecordedTurnLog = z.infer<typeof inspectTurnResult>;
