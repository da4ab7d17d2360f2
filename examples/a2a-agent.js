// An A2A agent with a surface: a button that orders tea. It needs no package.
//
//   A2A_TOKEN=secret node examples/a2a-agent.js 9200
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

const port = Number(process.argv[2] ?? 9200);
const version = 'v0.9';
const surfaceId = 'menu';
let ordered = 0;

/** What a surface is made of: see https://a2ui.org. */
const menu = [
  {
    version,
    createSurface: { surfaceId, catalogId: 'https://a2ui.org/specification/v0_9/catalogs/basic/catalog.json' },
  },
  {
    version,
    updateComponents: {
      surfaceId,
      components: [
        { id: 'root', component: 'Column', children: ['submit', 'status'] },
        { id: 'submit', component: 'Button', child: 'label', action: { event: { name: 'order' } } },
        { id: 'label', component: 'Text', text: 'Order tea' },
        { id: 'status', component: 'Text', text: { path: '/status' } },
      ],
    },
  },
];

/** The parts of the answer: the menu, or, where a button was pressed, what changes on it. */
function answer(parts) {
  const action = parts.find(({ data }) => data?.a2uiAction)?.data.a2uiAction;
  if (!action) return menu.map((data) => ({ data }));
  ordered += 1;
  const status = `${ordered} ordered`;
  return [{ text: status }, { data: { version, updateDataModel: { surfaceId, path: '/status', value: status } } }];
}

const server = createServer(async (request, response) => {
  if (request.headers.authorization !== `Bearer ${process.env.A2A_TOKEN}`) return response.writeHead(401).end();
  let body = '';
  for await (const chunk of request) body += chunk;
  const { id, method, params } = JSON.parse(body);
  const reply =
    method === 'SendMessage'
      ? { result: { message: { messageId: randomUUID(), role: 'ROLE_AGENT', parts: answer(params.message.parts) } } }
      : { error: { code: -32601, message: 'method not found' } };
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ jsonrpc: '2.0', id, ...reply }));
});
server.listen(port, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}/a2a`));
