import { NatsCarrier } from '../../../dist/nats/carrier.js';
import { listen } from './link-ears.js';

/* A broker that does nothing but hear what its links tell, over NATS: `nats-broker.js server cluster id epoch`. */

const [server, cluster, id, epoch] = process.argv.slice(2);
await listen(id, epoch, new NatsCarrier({ servers: [server], cluster, self: { id, epoch } }));
