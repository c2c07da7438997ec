/** The packages of the folders' package.json files. They are installed only when this harness runs, so their types are not there. */
declare module '@langchain/core/messages';
declare module '@langchain/openai';
declare module '@openai/agents';
