import type { AuthAnswer, AuthQuestion, BrokerOptions } from '../../../broker.ts';
import { startLinked } from '../../support/linked.ts';

/** A function whose answers the test gives, in any order. */
export function parked(options: BrokerOptions = {}) {
  const asked: { question: AuthQuestion; answer(answer: AuthAnswer): void; fail(error: unknown): void }[] = [];
  const auth = (question: AuthQuestion) =>
    new Promise<AuthAnswer>((answer, fail) => {
      asked.push({ question, answer, fail });
    });
  return { asked, ...startLinked({ ...options, auth }) };
}
