import * as memory from './memory.ts';
import { type MethodTable, none } from './method.ts';

/** Facts that are kept and found again (`wire.md` section 11). */
export const memoryMethods = {
  'memory.add_fact': {
    direction: 'in',
    kind: 'request',
    role: 'any',
    place: 'home',
    section: 11,
    summary: "Keeps a fact: an agent's for good, another connection's until it ends. Answered once it is on disk.",
    params: memory.addFactParams,
    result: memory.factCountResult,
    errors: ['LimitExceeded', 'DeadlineExceeded'],
  },
  'memory.query': {
    direction: 'in',
    kind: 'request',
    role: 'any',
    place: 'home',
    section: 11,
    summary: 'The facts of its own that fit a text best, the best first.',
    params: memory.queryFactsParams,
    result: memory.queryFactsResult,
    errors: ['LimitExceeded', 'DeadlineExceeded'],
    answer: 'large',
  },
  'memory.delete': {
    direction: 'in',
    kind: 'request',
    role: 'any',
    place: 'home',
    section: 11,
    summary: 'Forgets a fact of its own.',
    params: memory.deleteFactParams,
    result: memory.deleteFactResult,
    errors: ['LimitExceeded', 'DeadlineExceeded'],
  },
  'memory.fact_count': {
    direction: 'in',
    kind: 'request',
    role: 'any',
    place: 'home',
    section: 11,
    summary: 'How many facts it has.',
    params: none,
    result: memory.factCountResult,
    errors: ['LimitExceeded', 'DeadlineExceeded'],
  },
} as const satisfies MethodTable;
