/*
 * The one file that names OpenTelemetry's OTLP libraries. Both are dependencies of runtrace, so that npm, pnpm and Yarn PnP
 * find them, and both are loaded with the first request, so that an application that sends nothing does not pay for them.
 */
import type { Agent, AgentOptions } from 'node:http';
import type { AgentOptions as HttpsAgentOptions } from 'node:https';
import type { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';

type TraceSerializer = typeof ProtobufTraceSerializer;

/** A span that has ended, as the SDK hands it to exporters. From the serializer's signature, so that it fits the SDK's major version. */
export type ReadableSpan = Parameters<TraceSerializer['serializeRequest']>[0][number];

/**
 * The options that mean the same here and in OpenTelemetry's own exporters. Written out, because versions 0.2xx and 0.3xx of
 * `@opentelemetry/otlp-exporter-base` export their type under different names.
 */
export interface StockHttpOptions {
  /** Headers of every request, or a function that gives them for each request. */
  headers?: Record<string, string> | (() => Promise<Record<string, string>>);
  /** Options of Node's agent (certificates, keep-alive, sockets), or a function that makes the agent for `http:` or `https:`. */
  httpAgentOptions?: AgentOptions | HttpsAgentOptions | ((protocol: string) => Agent | Promise<Agent>);
}

/** The Protobuf encoding of spans as an `ExportTraceServiceRequest`. */
export async function loadProtobufSerializer(): Promise<TraceSerializer> {
  return (await import('@opentelemetry/otlp-transformer')).ProtobufTraceSerializer;
}

/** Makes an agent for each protocol from Node's agent options. */
export async function loadAgentFactory() {
  return (await import('@opentelemetry/otlp-exporter-base/node-http')).httpAgentFactoryFromOptions;
}
