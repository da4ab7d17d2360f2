import type { Kernel } from './kernel.ts';

/** Which broker of a cluster a row is of; nothing where there is one broker alone. */
export const atBroker = ({ brokerId }: Pick<Kernel, 'brokerId'>): { broker?: string } =>
  brokerId === undefined ? {} : { broker: brokerId };
