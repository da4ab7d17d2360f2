import type { Broker } from '../broker-api.ts';
import type { Front } from '../protocol/grants.ts';
import type { RouteHandler, SocketHandler } from '../transport/routes.ts';
import type { FrontPlace } from './core/front.ts';
import { FRONTS, faultOfFronts, frontsNamed } from './list.ts';
import { checkFrontsOptions, type FrontsOptions } from './options.ts';

export type { A2aOptions } from './a2a/options.ts';
export type { OpenAiOptions } from './openai/options.ts';
export type { FrontsOptions } from './options.ts';

/**
 * Serves fronts (`docs/fronts.md`) on a broker: on its own ports, and through `handleRequest`. Each is a client of the broker,
 * and is loaded when somebody first asks for it.
 * @throws {TypeError} for an option that there is not, and for a front that is unknown. @throws {Error} where
 * the path of one is taken, or the broker closes.
 */
export function mountFronts(broker: Broker, options: FrontsOptions): void {
  checkFrontsOptions(options);
  const names = options.fronts === 'all' ? ['all'] : options.fronts;
  if (!Array.isArray(names)) throw new TypeError("mountFronts: fronts is a list of names, or 'all'");
  const fault = faultOfFronts(names);
  if (fault !== undefined) throw new TypeError(`mountFronts: ${fault}`);
  for (const name of frontsNamed(names)) mount(broker, name as Front, FRONTS[name] as FrontPlace, options);
}

function mount(broker: Broker, name: Front, place: FrontPlace, options: FrontsOptions): void {
  const load = async () => {
    const [{ FrontCore }, { answering, opening }, open] = await Promise.all([
      import('./core/core.ts'),
      import('./core/answering.ts'),
      place.open(),
    ]);
    const core = new FrontCore(name, broker, options);
    const server = open(core);
    return { answer: answering(core, server), openSocket: opening(core, server) };
  };
  let loading: ReturnType<typeof load> | undefined;
  const loaded = () => {
    loading ??= load();
    return loading;
  };
  const serve: RouteHandler = async (request, response, route) => (await loaded()).answer(request, response, route);
  const sockets: SocketHandler = async (request, route) => (await loaded()).openSocket(request, route);
  broker.route(place.path, serve, place.hasSockets ? sockets : undefined);
  for (const [path, below] of Object.entries(place.aliases?.(options) ?? {}))
    broker.route(path, (request, response, route) =>
      serve(request, response, { ...route, path: route.path === '/' ? below : `${below}${route.path}` }),
    );
}
