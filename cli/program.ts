import { Command, CommanderError } from 'commander';
import { visible } from '../protocol/visible.ts';
import { VERSION } from '../version.ts';
import { addAcp } from './acp.ts';
import { addAgents } from './agents.ts';
import { addApprovals } from './approvals.ts';
import { addAttach } from './attach.ts';
import { addAudit } from './audit.ts';
import { addChat } from './chat.ts';
import { addConsole } from './console.ts';
import { EXIT_HELP, Exit } from './exit.ts';
import { addGoals } from './goals.ts';
import { type Io, tell } from './io.ts';
import { addJournal } from './journal.ts';
import { addKeys } from './keys.ts';
import { addMcp } from './mcp.ts';
import { addMcpDoor } from './mcp-door.ts';
import { addMeetings } from './meetings.ts';
import { addSay } from './say.ts';
import { addServe } from './serve.ts';
import { addStatus } from './status.ts';
import { addSurfaces } from './surfaces.ts';
import { addTranscribe } from './transcribe.ts';
import { addTurns } from './turns.ts';
import { addWatch } from './watch.ts';

/**
 * Runs one command line. Never rejects: what goes wrong is told on stderr.
 * @param argv the words after the program's name.
 * @returns the exit status.
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const program = new Command('switchboard')
    .description('A broker between the windows people chat in and long-running agents.')
    .version(VERSION)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(visible(text)) })
    .addHelpText('after', EXIT_HELP);
  addServe(program);
  addAgents(program, io);
  addAttach(program, io);
  addKeys(program, io);
  addChat(program, io);
  addStatus(program, io);
  addTurns(program, io);
  addWatch(program, io);
  addApprovals(program, io);
  addConsole(program, io);
  addTranscribe(program, io);
  addSay(program, io);
  addGoals(program, io);
  addMeetings(program, io);
  addSurfaces(program, io);
  addAudit(program, io);
  addJournal(program, io);
  addMcpDoor(program, io);
  addAcp(program, io);
  addMcp(program, io);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return Exit.Ok;
  } catch (error) {
    // commander has told it already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? Exit.Ok : Exit.Usage;
    // Loaded here, for it knows the SDK's errors.
    const { explain } = await import('./explain.ts');
    const { exit, message } = explain(error, io.env);
    if (message) tell(io, `switchboard: ${message}`);
    return exit;
  }
}
