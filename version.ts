import { createRequire } from 'node:module';

/** This package's version. It is asked for by name, because the sources and the built files lie at different depths. */
export const VERSION: string = createRequire(import.meta.url)('switchboard/package.json').version;
