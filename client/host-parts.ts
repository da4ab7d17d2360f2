/** What a host loads when it is first asked for, all at once: one small file is fetched sooner than three smaller ones. */
export { asked } from './asked.ts';
export { goalsOver } from './goals.ts';
export { HostEvents } from './host-events.ts';
export { HostMcp } from './host-mcp.ts';
export { HostSurfaces } from './host-surfaces.ts';
export { HostTools } from './host-tools.ts';
export { memoryOver } from './memory.ts';
export { surfacesOver } from './surfaces.ts';
