import { CutProxy } from '../../../client/cut-proxy.ts';
import { temporaryDirectory } from '../../../e2e/support/cleanup.ts';
import { type Daemon, startDaemon } from '../../../e2e/support/daemon.ts';
import { type Place, startAgain } from '../restarts.ts';
import { SmallDisk } from './journal-faults.ts';
import { Parties } from './parties.ts';
import type { Unread } from './unread.ts';

const ENV = { SWITCHBOARD_AUTH_TOKEN: 'a-token-that-stays-the-same' };

/** A daemon whose journal is on a small disk, and agents and hosts in processes of their own, each with a wire that can be cut. */
export class Stage extends Parties {
  readonly home: string;
  readonly disk: SmallDisk;
  daemon: Daemon;
  readonly #place: Place;
  readonly #wires: { agents: CutProxy; hosts: CutProxy };

  private constructor(daemon: Daemon, disk: SmallDisk, wires: { agents: CutProxy; hosts: CutProxy }, chats: number) {
    const { agents, hosts } = wires;
    super({ agents: agents.url, hosts: hosts.url, token: daemon.tokens.daemon, chats });
    this.daemon = daemon;
    this.disk = disk;
    this.home = daemon.home;
    this.#place = { home: daemon.home, port: Number(new URL(daemon.url).port), env: ENV };
    this.#wires = wires;
  }

  /** @param cast names, and how many chats each host has at a time. @param flags of the daemon's first life */
  static async start(cast: { agents: string[]; hosts: string[]; chats: number }, flags: string[] = []): Promise<Stage> {
    const home = temporaryDirectory();
    const disk = SmallDisk.under(home);
    const daemon = await startDaemon({ home, env: ENV, mayFail: true, flags });
    const wires = { agents: await CutProxy.to(daemon.url), hosts: await CutProxy.to(daemon.url) };
    const stage = new Stage(daemon, disk, wires, cast.chats);
    for (const name of cast.agents) await stage.addAgent(name, await daemon.register(name));
    for (const name of cast.hosts) await stage.addHost(name);
    return stage;
  }

  /** Kills the daemon, and starts it again. @param between what is done when it is dead. */
  async restart(between: () => Promise<unknown> = async () => {}): Promise<void> {
    await this.daemon.program.kill('SIGKILL');
    await between();
    this.daemon = await startAgain(this.#place);
  }

  /** Cuts, or stalls, all wires of one side. */
  wire(side: 'agents' | 'hosts'): CutProxy {
    return this.#wires[side];
  }

  /** Reads chats from their beginning to their end, from a daemon on another home. */
  readIn(other: Daemon, who: string, unread: Unread[]): Promise<void> {
    return this.readAt(other.url, other.tokens.daemon, who, unread);
  }
}

/** What the daemon's journal says of itself. */
export async function isDegraded(daemon: Daemon): Promise<boolean> {
  return /^switchboard_journal_degraded 1$/m.test((await daemon.get('/metrics')).body);
}
