import { LegacyJsonRpcTransportHandler } from '@a2a-js/sdk/compat/v0_3/server';
import { JsonRpcTransportHandler, ServerCallContext } from '@a2a-js/sdk/server';
import { exactJson } from '../../client/node.ts';
import { agentId as agentIdSchema } from '../../protocol/ids.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import { ErrorCode } from '../../protocol/wire-error.ts';
import { ClientGone, FrontError } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import { type A2aPlace, AgentHandler } from './handler.ts';
import { checkVersion, isLegacy } from './version.ts';

type Answer = Awaited<ReturnType<JsonRpcTransportHandler['handle']>>;
type Stream = AsyncGenerator<unknown, void, undefined>;

/** `POST /a2a/AGENT`: JSON-RPC of A2A 1.0 or 0.3. @throws {FrontError} @throws {ClientGone} @throws a fault of ours */
export async function answerRpc(place: A2aPlace, exchange: Exchange, agentId: string): Promise<void> {
  const body = await exchange.read();
  if (!agentIdSchema.safeParse(agentId).success) throw new FrontError(404, 'agent_not_found', 'there is no such agent');
  const handler = new AgentHandler(place, exchange, agentId);
  const legacy = isLegacy(exchange);
  const errorOf = legacy
    ? LegacyJsonRpcTransportHandler.mapToLegacyJSONRPCError
    : JsonRpcTransportHandler.mapToJSONRPCError;
  const tell = (error: object) => exchange.json(200, { jsonrpc: '2.0', id: idOf(body.id), error });
  const refuse = (error: unknown) => tell(errorOf(error));
  // The SDK takes it for one whose parameters are wrong, and gives back whatever its id is.
  if (!isRequest(body)) {
    tell({ code: ErrorCode.InvalidRequest, message: 'this is no request of JSON-RPC 2.0' });
    return;
  }
  try {
    checkVersion(exchange);
  } catch (error) {
    refuse(error);
    return;
  }
  const transport = legacy ? new LegacyJsonRpcTransportHandler(handler) : new JsonRpcTransportHandler(handler);
  // It looks for parameters before it looks for the method.
  const request = { ...body, params: body.params ?? {} };
  const answer = (await transport.handle(request, new ServerCallContext())) as Answer;
  if (!(Symbol.asyncIterator in answer)) {
    exchange.json(200, plain(answer, handler.fault));
    return;
  }
  let first: IteratorResult<unknown, void>;
  try {
    first = await answer.next();
  } catch (error) {
    // What A2A has a word for is an answer, and the rest the front's to refuse.
    if (errorOf(error).code === ErrorCode.InternalError) throw error;
    refuse(error);
    return;
  }
  await stream(exchange, answer, first);
}

async function stream(exchange: Exchange, answer: Stream, first: IteratorResult<unknown, void>): Promise<void> {
  if (exchange.signal.aborted) throw new ClientGone();
  const events = exchange.stream();
  for (let next = first; !next.done; next = await answer.next()) {
    events.send(exactJson.stringify(next.value));
    // Who is behind is told the next of it once that was read.
    if (events.isBehind) await drained(events, exchange.signal);
  }
  events.end();
}

function drained(events: ReturnType<Exchange['stream']>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      events.onDrained = undefined;
      signal.removeEventListener('abort', done);
      resolve();
    };
    events.onDrained = done;
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}

/** What the SDK answers, without what it says of a fault. @throws that fault, where it is ours */
function plain(answer: Exclude<Answer, Stream>, fault: unknown): unknown {
  const { error } = answer;
  if (!isObject(error) || error.code !== ErrorCode.InternalError) return answer;
  if (fault !== undefined) throw fault;
  // It could not be read: nothing was asked of us.
  return { ...answer, error: { code: ErrorCode.InvalidParams, message: 'these are no parameters of this method' } };
}

const idOf = (id: unknown): unknown => (isId(id) ? id : null);
const isId = (id: unknown): boolean => typeof id === 'string' || Number.isInteger(id);

const isRequest = ({ jsonrpc, id, method }: JsonObject): boolean =>
  jsonrpc === '2.0' && typeof method === 'string' && method !== '' && (id === undefined || id === null || isId(id));
