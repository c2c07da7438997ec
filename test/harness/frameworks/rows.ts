/** The frameworks, in the order of the table. */
export interface FrameworkRow {
  /** Its folder here. */
  readonly folder: string;
  /** As the table names it. */
  readonly title: string;
  /** The package whose version the table states. */
  readonly package: string;
  /** Further packages whose versions it states. */
  readonly others?: readonly string[];
  /** How an application records it, in Markdown. */
  readonly record: string;
}

const FETCH = '`fetch: recordingFetch` of the model client';
const HANDLER = `\`run()\` around the handler, ${FETCH}`;

export const ROWS: readonly FrameworkRow[] = [
  {
    folder: 'langchain',
    title: 'LangChain',
    package: '@langchain/openai',
    record: '`new ChatOpenAI({ configuration: { fetch: recordingFetch } })`',
  },
  {
    folder: 'langgraph',
    title: 'LangGraph',
    package: '@langchain/langgraph',
    record: '`new ChatOpenAI({ configuration: { fetch: recordingFetch } })`',
  },
  {
    folder: 'openai-agents',
    title: 'OpenAI Agents',
    package: '@openai/agents',
    record: '`setDefaultOpenAIClient(new OpenAI({ fetch: recordingFetch }))`',
  },
  {
    folder: 'ai-sdk',
    title: 'AI SDK, with the gateway',
    package: 'ai',
    record: '`registerTelemetry(runtraceTelemetry())`, `createGateway({ fetch: recordingFetch })`',
  },
  {
    folder: 'mastra',
    title: 'Mastra',
    package: '@mastra/core',
    record: '`new Agent({ model: createOpenAI({ fetch: recordingFetch })(name) })`',
  },
  {
    folder: 'llamaindex',
    title: 'LlamaIndex',
    package: 'llamaindex',
    record: '`new OpenAI({ additionalSessionOptions: { fetch: recordingFetch } })`',
  },
  {
    folder: 'mcp',
    title: 'MCP',
    package: '@modelcontextprotocol/sdk',
    record: '`tool({ name, callId }, () => client.callTool({ name, arguments }))`',
  },
  { folder: 'express', title: 'Express', package: 'express', record: HANDLER },
  { folder: 'fastify', title: 'Fastify', package: 'fastify', record: HANDLER },
  { folder: 'hono', title: 'Hono', package: 'hono', record: HANDLER },
  {
    folder: 'nextjs',
    title: 'Next.js',
    package: 'next',
    record: `${HANDLER}; or \`NODE_OPTIONS='--import runtrace/register' next start\``,
  },
  { folder: 'nestjs', title: 'NestJS', package: '@nestjs/core', record: HANDLER },
  {
    folder: 'http-clients',
    title: '`got`, `axios`, `undici` 6, 7 and 8',
    package: 'got',
    others: ['axios', 'undici-6', 'undici-7', 'undici'],
    record: '`node --import runtrace/register`',
  },
];
