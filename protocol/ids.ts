import { z } from 'zod';

/** An agent's id: 1–128 of `[A-Za-z0-9._-]` (`wire.md` section 4). */
export const agentId = z.string().regex(/^[A-Za-z0-9._-]{1,128}$/, '1–128 of [A-Za-z0-9._-]');

/** A session's or conversation's id: 1–128 of `[A-Za-z0-9._:-]` (`wire.md` section 6). */
export const sessionId = z.string().regex(/^[A-Za-z0-9._:-]{1,128}$/, '1–128 of [A-Za-z0-9._:-]');
