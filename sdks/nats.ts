/* What is used of the clients of NATS: bundled into one file, as `mcp.ts` is. Loaded only where brokers are joined over NATS. */
export { AckPolicy, DeliverPolicy, DiscardPolicy, jetstream, RetentionPolicy, StorageType } from '@nats-io/jetstream';
export {
  connect,
  createInbox,
  credsAuthenticator,
  headers,
  nanos,
  nkeyAuthenticator,
  nkeys,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node';
