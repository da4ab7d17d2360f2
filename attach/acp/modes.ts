import { isObject } from '../../protocol/json.ts';
import type { AcpConnection } from './connection.ts';
import { CannotDo } from './prompt.ts';
import type { AcpSettings } from './settings.ts';

/** What an agent answers to `session/new` and its like, as far as modes go. */
export interface SessionAnswer {
  modes?: unknown;
  configOptions?: unknown;
}

/** The modes of a session: which is in force, and those on offer. */
export interface Modes {
  current: string | undefined;
  offered: string[];
  /** The id of the option that has them, where they are a config option. */
  option?: string;
}

interface ConfigOption {
  id: string;
  type: unknown;
  values: string[];
  current: unknown;
  isMode: boolean;
}

/** The modes that an agent has: by the field of that name, else by the config option of that category. */
export function modesOf({ modes, configOptions }: SessionAnswer): Modes {
  if (isObject(modes) && Array.isArray(modes.availableModes)) {
    const offered = modes.availableModes.filter(isObject).map(({ id }) => String(id));
    return { current: typeof modes.currentModeId === 'string' ? modes.currentModeId : undefined, offered };
  }
  const option = optionsOf(configOptions).find(({ isMode }) => isMode);
  if (!option) return { current: undefined, offered: [] };
  const current = typeof option.current === 'string' ? option.current : undefined;
  return { current, offered: option.values, option: option.id };
}

/**
 * Puts a session into the mode, and gives it the options, that were asked for.
 * @returns the mode that is in force then.
 * @throws {CannotDo} one that the agent does not offer; it names those that it does.
 */
export async function configure(
  agent: Pick<AcpConnection, 'request'>,
  sessionId: string,
  answer: SessionAnswer,
  { mode, set }: Pick<AcpSettings, 'mode' | 'set'>,
): Promise<string | undefined> {
  const modes = modesOf(answer);
  if (mode !== undefined && mode !== modes.current) {
    if (!modes.offered.includes(mode)) throw new CannotDo(`this agent has no mode ${mode}; ${offers(modes.offered)}`);
    if (modes.option === undefined) await agent.request('session/set_mode', { sessionId, modeId: mode });
    else await agent.request('session/set_config_option', { sessionId, configId: modes.option, value: mode });
  }
  const options = optionsOf(answer.configOptions);
  for (const [id, value] of Object.entries(set)) {
    const option = options.find((one) => one.id === id);
    if (!option) throw new CannotDo(`this agent has no option ${id}; ${offers(options.map((one) => one.id))}`);
    if (option.type === 'boolean') {
      const on = { type: 'boolean', value: value === true || value === 'true' } as const;
      await agent.request('session/set_config_option', { sessionId, configId: id, ...on });
      continue;
    }
    if (!option.values.includes(String(value)))
      throw new CannotDo(`the option ${id} of this agent cannot be ${value}; ${offers(option.values)}`);
    await agent.request('session/set_config_option', { sessionId, configId: id, value: String(value) });
  }
  return mode ?? modes.current;
}

const offers = (names: readonly string[]) =>
  names.length === 0 ? 'it offers none' : `it offers: ${names.slice(0, 50).join(', ')}`;

function optionsOf(options: unknown): ConfigOption[] {
  if (!Array.isArray(options)) return [];
  return options.filter(isObject).map((option) => ({
    id: String(option.id),
    type: option.type,
    values: valuesOf(option.options),
    current: option.currentValue,
    isMode: option.category === 'mode',
  }));
}

/** They may stand in groups. */
function valuesOf(options: unknown): string[] {
  if (!Array.isArray(options)) return [];
  return options
    .filter(isObject)
    .flatMap((option) => (Array.isArray(option.options) ? valuesOf(option.options) : [String(option.value)]));
}
