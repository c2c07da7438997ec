/** The packages of this folder's package.json. They are installed only when this harness runs, so their types are not there. */
declare module '@ai-sdk/amazon-bedrock';
declare module '@ai-sdk/cohere';
declare module '@ai-sdk/gateway';
declare module '@ai-sdk/groq';
declare module '@ai-sdk/mistral';
declare module '@ai-sdk/togetherai';
declare module '@aws-sdk/client-bedrock-runtime';
declare module '@mistralai/mistralai';
declare module '@openrouter/ai-sdk-provider';
declare module '@openrouter/sdk';
declare module '@smithy/fetch-http-handler';
declare module 'axios';
declare module 'cohere-ai';
declare module 'groq-sdk';
declare module 'ky';
declare module 'ollama';
declare module 'together-ai';
