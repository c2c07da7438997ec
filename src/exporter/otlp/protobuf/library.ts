/*
 * The one file that names OpenTelemetry's OTLP library. It is a dependency of runtrace, so that npm, pnpm and Yarn PnP find it,
 * and it is loaded with the first request, so that an application that sends nothing does not pay for it.
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
  /** Headers of every request, beside those of the environment, or a function that is called for each request. Default: none. */
  headers?: Record<string, string> | (() => Promise<Record<string, string>>) | undefined;
  /**
   * Options of Node's agent (`ca`, `cert`, `key`, `proxyEnv`, sockets), or, not for gRPC, a function that makes the agent for `http:` or
   * `https:`. Default: an agent that keeps connections alive.
   */
  httpAgentOptions?: AgentOptions | HttpsAgentOptions | ((protocol: string) => Agent | Promise<Agent>) | undefined;
}

/**
 * The Protobuf encoding of spans as an `ExportTraceServiceRequest`; `undefined` if the library can't be loaded. pnpm and Yarn install
 * the latest version of the range, which need not suit the application: 0.301 needs version 1.10 of the API and Node 22.
 */
export async function loadProtobufSerializer(): Promise<TraceSerializer | undefined> {
  return import('@opentelemetry/otlp-transformer').then(
    ({ ProtobufTraceSerializer }) => ProtobufTraceSerializer,
    () => undefined,
  );
}
