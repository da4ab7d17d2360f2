import { z } from 'zod';
import { jsonObject } from './json.ts';

/*
 * The inspection feed: which actors run, what they hear and where their charts stand, as the console draws them. Only
 * with `--inspect`, only for the host role.
 */

const unixMs = z.number().meta({ description: 'Unix milliseconds' });
const statePaths = z.array(z.string()).meta({ description: 'the innermost active states, nested ones as `a.b`' });
const maskedContext = jsonObject.meta({ description: 'what it knows, secrets masked, 16 KiB at most' });
const actorId = z.string().meta({ description: 'unique in the daemon’s life' });

/** Whether an actor runs, has reached a final state, or has failed. */
export const actorStatus = z.enum(['active', 'done', 'error']);
/** See {@link actorStatus}. */
export type ActorStatus = z.infer<typeof actorStatus>;

/** One actor, as it stands. */
export const inspectedActor = z.object({
  id: actorId,
  name: z.string().meta({
    description: '`broker`, a client id, a turn id, `cb-<n>`, or the id of whatever else it is',
  }),
  machine: z.string().meta({ description: 'its chart: one of those in `machines`' }),
  parent: z.string().nullable(),
  state: statePaths,
  status: actorStatus,
  label: z
    .string()
    .optional()
    .meta({ description: 'for people: an agent id, a role, a session, a tool, an action, a title' }),
  started_at: unixMs,
  context: maskedContext,
});
/** See {@link inspectedActor}. */
export type InspectedActor = z.infer<typeof inspectedActor>;

const head = {
  sequence: z.number().meta({ description: 'grows by one from record to record' }),
  at: unixMs,
};

/** One thing that happened to one actor. */
export const inspectRecord = z.discriminatedUnion('type', [
  z.object({ ...head, type: z.literal('started'), actor: inspectedActor }),
  z.object({
    ...head,
    type: z.literal('event'),
    actor: actorId,
    event: z.string(),
    from: z.string().nullable(),
    payload: z.unknown(),
    count: z.number().optional(),
  }),
  z.object({
    ...head,
    type: z.literal('transition'),
    actor: actorId,
    event: z.string(),
    state: statePaths,
    previous: statePaths,
    /** The states passed on the way, where there were any: their `always` was taken at once. */
    through: z.array(statePaths).optional(),
    context: maskedContext,
    status: actorStatus,
    label: z.string().optional(),
  }),
  z.object({
    ...head,
    type: z.literal('ended'),
    actor: actorId,
    status: z.enum(['done', 'error']),
    state: statePaths,
    output: z.unknown().optional(),
  }),
  z.object({ ...head, type: z.literal('dropped'), count: z.number() }),
]);
/**
 * See {@link inspectRecord}. An `event` with a `count` stands for so many of that type, its payload being the last one's.
 * A `dropped` stands for `count` records that this watcher was too slow for, and has the last one's sequence.
 */
export type InspectRecord = z.infer<typeof inspectRecord>;

/** One way out of a state, or one thing that is done in it. */
export const transitionDefinition = z.object({
  event: z.string().meta({ description: 'its type; empty for always; `after:<delay>`' }),
  guard: z.string().optional(),
  delay: z.string().optional(),
  targets: z.array(z.string()).meta({ description: 'state paths; none: the state stays' }),
  actions: z.array(z.string()),
  description: z.string().optional(),
  reenter: z.boolean().optional(),
});
/** See {@link transitionDefinition}. */
export type TransitionDefinition = z.infer<typeof transitionDefinition>;

/** One state of a chart, and those inside it. */
export const stateDefinition = z.object({
  type: z.enum(['atomic', 'compound', 'parallel', 'final', 'history']),
  initial: z.string().optional(),
  description: z.string().optional(),
  entry: z.array(z.string()),
  exit: z.array(z.string()),
  get states(): z.ZodOptional<z.ZodRecord<z.ZodString, typeof stateDefinition>> {
    return z.record(z.string(), stateDefinition).optional();
  },
  on: z.array(transitionDefinition),
  tags: z.array(z.string()).optional(),
});
/** See {@link stateDefinition}. */
export type StateDefinition = z.infer<typeof stateDefinition>;

/** A statechart, read from the machine that runs. */
export const machineDefinition = z.object({
  id: z.string(),
  description: z.string().optional(),
  initial: z.string(),
  entry: z.array(z.string()),
  exit: z.array(z.string()),
  on: z.array(transitionDefinition).meta({ description: 'legal in every state' }),
  states: z.record(z.string(), stateDefinition),
});
/** See {@link machineDefinition}. */
export type MachineDefinition = z.infer<typeof machineDefinition>;

export const inspectSubscribeResult = z.object({
  subscribed: z.literal(true),
  sequence: z.number().meta({ description: 'the newest record that the snapshot holds' }),
  machines: z.record(z.string(), machineDefinition).meta({ description: 'by machine id' }),
  actors: z.array(inspectedActor),
  left_out: z.number().optional().meta({ description: 'actors that the snapshot has no room for' }),
});
/** `inspect.subscribe`'s answer. */
export type InspectSnapshot = z.infer<typeof inspectSubscribeResult>;

export const inspectUnsubscribeResult = z.object({ unsubscribed: z.boolean() });
export const inspectEventParams = z.object({ records: z.array(inspectRecord) });
