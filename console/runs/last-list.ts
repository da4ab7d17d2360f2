import { signal } from '@preact/signals';
import { link } from '../route.ts';

/** The address of the table as it was last looked at, for the way back from a turn. */
export const lastList = signal(link('runs'));
