import { z } from 'zod';
import { anyId, list, listing, longText, nameText, shortText } from './bounds.ts';
import { jsonObject } from './json-object.ts';

/*
 * The inspection feed: which actors run, what they hear and where their charts stand, as the console draws them. Only
 * with `--inspect`, only for the host role.
 */

const unixMs = z.number().meta({ description: 'Unix milliseconds' });
const statePaths = list(shortText(), 1_000).meta({ description: 'the innermost active states, nested ones as `a.b`' });
const maskedContext = jsonObject.meta({ description: 'what it knows, secrets masked, 16 KiB at most' });
const actorId = anyId().meta({ description: 'unique in the daemon’s life' });

/** Whether an actor runs, has reached a final state, or has failed. */
export const actorStatus = z.enum(['active', 'done', 'error']);
/** See {@link actorStatus}. */
export type ActorStatus = z.infer<typeof actorStatus>;

/** One actor, as it stands. */
export const inspectedActor = z.object({
  id: actorId,
  name: shortText().meta({
    description: '`broker`, a client id, a turn id, `cb-<n>`, or the id of whatever else it is',
  }),
  machine: nameText().meta({ description: 'its chart: one of those in `machines`' }),
  parent: anyId().nullable(),
  state: statePaths,
  status: actorStatus,
  label: longText()
    .optional()
    .meta({ description: 'for people: an agent id, a role, a session, a tool, an action, a title' }),
  started_at: unixMs,
  context: maskedContext,
  broker: nameText()
    .optional()
    .meta({ description: 'of one at another broker of the cluster: that broker; its ids begin with `<broker>/`' }),
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
    event: nameText(),
    from: anyId().nullable(),
    payload: z.unknown(),
    count: z.number().optional(),
  }),
  z.object({
    ...head,
    type: z.literal('transition'),
    actor: actorId,
    event: nameText(),
    state: statePaths,
    previous: statePaths,
    /** The states passed on the way, where there were any: their `always` was taken at once. */
    through: list(statePaths, 1_000).optional(),
    context: maskedContext,
    status: actorStatus,
    label: longText().optional(),
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

/** What is told of another broker of the cluster, whose actors are told of, too. */
export const brokerRecord = z.object({
  ...head,
  type: z.literal('broker'),
  broker: nameText(),
  seen: z.enum(['begins', 'whole', 'lost']),
  left_out: z.number().optional(),
});
/** What `inspect.event` tells. */
export const feedRecord = z.discriminatedUnion('type', [...inspectRecord.options, brokerRecord]);
/**
 * See {@link feedRecord}. From a `broker` that `begins` on its actors as they stand follow, each as one that has `started`, up to
 * the one that says that they are `whole`: of any others of it nothing is known any more, `left_out` had no room. When it is
 * `lost`, nothing more is heard of that broker.
 */
export type FeedRecord = z.infer<typeof feedRecord>;

/** One way out of a state, or one thing that is done in it. */
export const transitionDefinition = z.object({
  event: nameText().meta({ description: 'its type; empty for always; `after:<delay>`' }),
  guard: nameText().optional(),
  delay: nameText().optional(),
  targets: list(shortText(), 1_000).meta({ description: 'state paths; none: the state stays' }),
  actions: list(shortText(), 1_000),
  description: longText().optional(),
  reenter: z.boolean().optional(),
});
/** See {@link transitionDefinition}. */
export type TransitionDefinition = z.infer<typeof transitionDefinition>;

/** One state of a chart, and those inside it. */
export const stateDefinition = z.object({
  type: z.enum(['atomic', 'compound', 'parallel', 'final', 'history']),
  initial: nameText().optional(),
  description: longText().optional(),
  entry: list(shortText(), 1_000),
  exit: list(shortText(), 1_000),
  get states(): z.ZodOptional<z.ZodRecord<z.ZodString, typeof stateDefinition>> {
    return z.record(nameText(), stateDefinition).optional();
  },
  on: listing(transitionDefinition),
  tags: list(shortText(), 1_000).optional(),
});
/** See {@link stateDefinition}. */
export type StateDefinition = z.infer<typeof stateDefinition>;

/** A statechart, read from the machine that runs. */
export const machineDefinition = z.object({
  id: nameText(),
  description: longText().optional(),
  initial: nameText(),
  entry: list(shortText(), 1_000),
  exit: list(shortText(), 1_000),
  on: listing(transitionDefinition).meta({ description: 'legal in every state' }),
  states: z.record(nameText(), stateDefinition),
});
/** See {@link machineDefinition}. */
export type MachineDefinition = z.infer<typeof machineDefinition>;

export const inspectSubscribeResult = z.object({
  subscribed: z.literal(true),
  sequence: z.number().meta({ description: 'the newest record that the snapshot holds' }),
  machines: z.record(nameText(), machineDefinition).meta({ description: 'by machine id' }),
  actors: listing(inspectedActor),
  left_out: z.number().optional().meta({ description: 'actors that the snapshot has no room for' }),
  broker: nameText().optional().meta({ description: 'in a cluster: the broker whose actors these are' }),
  brokers: list(nameText(), 1_000)
    .optional()
    .meta({ description: 'in a cluster: other brokers whose actors follow, as `inspect.event`' }),
});
/** `inspect.subscribe`'s answer. */
export type InspectSnapshot = z.infer<typeof inspectSubscribeResult>;

export const inspectUnsubscribeResult = z.object({ unsubscribed: z.boolean() });
export const inspectEventParams = z.object({ records: listing(feedRecord) });
