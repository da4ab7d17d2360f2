import { Daemon } from '../../e2e/support/daemon.ts';
import { MAIN, Program } from '../../e2e/support/program.ts';

/** One home and one port, on which a daemon is started again and again. */
export interface Place {
  home: string;
  port: number;
  env?: NodeJS.ProcessEnv;
}

/** Begins to start the daemon. It may be killed at any moment from now on. */
export function beginStart({ home, port, env }: Place): Program {
  return new Program([MAIN, '--port', String(port), '--no-socket'], { SWITCHBOARD_HOME: home, ...env });
}

/** Starts the daemon. @throws {Error} where it does not, for whatever the one before has left behind. */
export async function startAgain(place: Place): Promise<Daemon> {
  const program = beginStart(place);
  await program.shows('"try: ');
  return new Daemon(program, place.home);
}
