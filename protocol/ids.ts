import { shaped } from './bounds.ts';

/** An agent's id: 1–128 of `[A-Za-z0-9._-]` (`wire.md` section 4). */
export const agentId = shaped(128, /^[A-Za-z0-9._-]{1,128}$/, '1–128 of [A-Za-z0-9._-]');

/** A session's or conversation's id: 1–128 of `[A-Za-z0-9._:-]` (`wire.md` section 6). */
export const sessionId = shaped(128, /^[A-Za-z0-9._:-]{1,128}$/, '1–128 of [A-Za-z0-9._:-]');
