import { UnixCarrier } from '../../../dist/link/unix-carrier.js';
import { listen } from './link-ears.js';

/* A broker that does nothing but hear what its links tell: `link-broker.js directory id epoch peer…`. */

const [directory, id, epoch, ...others] = process.argv.slice(2);
const carrier = new UnixCarrier({ self: id, directory });
for (const peer of others) carrier.connect(peer);
await listen(id, epoch, carrier);
