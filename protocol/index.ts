/** The wire, for people who write clients: schemas, types, error and close codes. */
export * from './agents.ts';
export * from './approvals.ts';
export * from './chat.ts';
export * from './close-codes.ts';
export * from './errors.ts';
export * from './events.ts';
export * from './frame.ts';
export * from './host.ts';
export * from './ids.ts';
export * from './json.ts';
export * from './limits.ts';
export * from './link.ts';
export * from './method.ts';
export * from './methods.ts';
export * from './params.ts';
export * from './session.ts';
export * from './tools.ts';
