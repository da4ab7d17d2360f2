/** What a program needs to run at all, and to find its user's things. */
const KEPT = [
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LANGUAGE', 'TERM', 'TZ', 'TMPDIR'],
  ...['XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_CACHE_HOME', 'XDG_STATE_HOME', 'XDG_RUNTIME_DIR'],
];

/** Nothing of this project's is for the agent: tokens are among it. */
const isOurs = (name: string) => name.toUpperCase().startsWith('SWITCHBOARD_');

/**
 * The environment of an agent's process.
 * @param own this process's. @param extra what the operator gives it. @param isClean only the few that any program needs
 * of `own`.
 */
export function environmentOf(
  own: Readonly<Record<string, string | undefined>>,
  extra: Readonly<Record<string, string>>,
  isClean: boolean,
): Record<string, string> {
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(own)) {
    if (value === undefined || isOurs(name)) continue;
    if (!isClean || KEPT.includes(name) || name.startsWith('LC_')) given[name] = value;
  }
  for (const [name, value] of Object.entries(extra)) if (!isOurs(name)) given[name] = value;
  return given;
}
