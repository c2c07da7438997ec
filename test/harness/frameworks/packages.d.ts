/** The packages of the folders' package.json files. They are installed only when this harness runs, so their types are not there. */
declare module '@ai-sdk/gateway';
declare module '@ai-sdk/otel';
declare module '@langchain/core/messages';
declare module '@langchain/core/tools';
declare module '@langchain/langgraph/prebuilt';
declare module '@langchain/openai';
declare module '@llamaindex/openai';
declare module '@modelcontextprotocol/sdk/client/index.js';
declare module '@modelcontextprotocol/sdk/inMemory.js';
declare module '@modelcontextprotocol/sdk/server/mcp.js';
declare module '@nestjs/common';
declare module '@nestjs/core';
declare module '@openai/agents';
declare module 'express';
declare module 'fastify';
declare module 'llamaindex';
declare module 'reflect-metadata';
