/* A real MCP server on stdio, by its own SDK. Its tools do what a test of clients needs. */
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { z } from 'zod';

const server = new McpServer({ name: 'toolbox', version: '1.2.3' });
const text = (words) => ({ content: [{ type: 'text', text: words }] });
const note = (line) => process.env.NOTES && appendFileSync(process.env.NOTES, `${line}\n`);

server.registerTool('echo', { description: 'Says it again', inputSchema: { words: z.string() } }, ({ words }) =>
  text(words),
);
server.registerTool(
  'sum',
  { inputSchema: { a: z.number(), b: z.number() }, outputSchema: { sum: z.number() } },
  ({ a, b }) => ({ content: [{ type: 'text', text: String(a + b) }], structuredContent: { sum: a + b } }),
);
server.registerTool('fail', {}, () => ({ ...text('the disk is full'), isError: true }));
server.registerTool('picture', {}, () => ({ content: [{ type: 'image', data: 'aGk=', mimeType: 'image/png' }] }));
server.registerTool('variables', {}, () => text(Object.keys(process.env).join(' ')));
server.registerTool('slow', {}, async (extra) => {
  await extra.sendNotification({
    method: 'notifications/progress',
    params: { progressToken: extra._meta.progressToken, progress: 1, total: 2, message: 'half' },
  });
  await new Promise((resolve) => extra.signal.addEventListener('abort', resolve));
  note('cancelled');
  return text('too late');
});
server.registerTool('grow', {}, () => {
  const grown = server.registerTool('grown', {}, () => text('new'));
  server.registerTool('shrink', {}, () => {
    grown.remove();
    return text('gone');
  });
  return text('ok');
});
server.registerTool('die', {}, () => {
  process.stderr.write('out of memory\n');
  process.exit(3);
});
server.registerTool('child', {}, () => {
  // It holds the pipes of its parent, and outlives whoever only ends that one.
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
  return text(String(child.pid));
});

note(`pid ${process.pid}`);
process.stdout.write('ready, as some servers say for people\n');
await server.connect(new StdioServerTransport());
