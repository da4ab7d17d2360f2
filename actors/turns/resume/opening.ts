import { createHmac } from 'node:crypto';
import type { ChatParams } from '../../../protocol/chat.ts';
import { WireError } from '../../../protocol/errors.ts';
import type { Limits } from '../../../protocol/limits.ts';
import { Sealed } from '../../../protocol/sealed.ts';
import { hashToken, tokenMatches } from '../../connection/agent-registry.ts';

/** What a turn is opened with whose host has chosen the secret itself: the same again opens nothing (`wire.md` section 6, 3). */
export class Opening {
  readonly tokenHash: string;
  /** The token itself, until the chat is answered. */
  token: Sealed<string> | undefined;
  readonly promptHash: string;
  readonly #agentId: string;

  private constructor(agentId: string, promptHash: string, tokenHash: string, token?: string) {
    this.tokenHash = tokenHash;
    this.token = token === undefined ? undefined : new Sealed(token);
    this.#agentId = agentId;
    this.promptHash = promptHash;
  }

  /** Undefined where the host has chosen none, or this broker lets no turn wait: it is a chat like any other. */
  static of(params: ChatParams, { resumeWindowMs }: Limits): Opening | undefined {
    const { resume_token: token, agent_id, prompt } = params;
    if (token === undefined || resumeWindowMs <= 0) return undefined;
    return new Opening(agent_id, hashOf(prompt, token), hashToken(token), token);
  }

  /** That of a turn from before a restart. */
  static restored(agentId: string, promptHash: string, tokenHash: string): Opening {
    return new Opening(agentId, promptHash, tokenHash);
  }

  has(token: string): boolean {
    return tokenMatches(token, this.tokenHash);
  }

  /** @throws {WireError} `-32602` where this chat, with this token, is another one: a token is one turn's alone */
  check({ agent_id, prompt, resume_token: token = '' }: ChatParams): void {
    if (agent_id !== this.#agentId) throw anotherTurns('agent_id');
    if (hashOf(prompt, token) !== this.promptHash) throw anotherTurns('prompt');
  }
}

/** It stands in the journal, and most prompts are short: whoever reads it there could try them, were the token not in it. */
const hashOf = (prompt: string, token: string): string => createHmac('sha256', token).update(prompt).digest('base64');

const anotherTurns = (path: string): WireError =>
  WireError.invalidParams([{ path, message: 'is not what this `resume_token` was chosen for: each turn has its own' }]);
