import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { parseOtlpJson, type ReceivedSpan } from './otlp-receiver.js';
import { answers, freePorts, startServer, until } from './server-process.js';

/** A span in the form that Jaeger's UI reads. Times are microseconds. */
export interface UiSpan {
  traceID: string;
  spanID: string;
  operationName: string;
  references: { refType: string; traceID: string; spanID: string }[];
  startTime: number;
  duration: number;
  tags: UiTag[];
  logs: { timestamp: number; fields: UiTag[] }[];
  warnings: string[] | null;
}

export interface UiTag {
  key: string;
  type: string;
  value: string | number | boolean;
}

/** A Jaeger that runs, with what it stores in its memory. */
export interface Jaeger {
  readonly version: string;
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly endpoint: string;
  /** Sends an OTLP JSON document as it is. */
  send(otlpJson: string): Promise<void>;
  /** A trace as `/api/v3/traces/{id}` gives it, once it has `spanCount` spans, or what it has of it in the end. */
  trace(traceId: string, spanCount: number): Promise<ReceivedSpan[]>;
  /** A trace as `/api/traces/{id}` gives it: the form that the UI reads. */
  uiTrace(traceId: string): Promise<UiSpan[]>;
  /** The ids of the traces of a service that have a span, or an event of it, with all of these attributes. */
  search(service: string, attributes: Record<string, string>): Promise<string[]>;
  /** What the UI's upload tab gets for an OTLP JSON document. */
  transform(otlpJson: string): Promise<UiSpan[]>;
  stop(): Promise<void>;
}

/** Sends an OTLP JSON document to a backend or a collector, as it is. */
export async function postOtlp(endpoint: string, otlpJson: string): Promise<void> {
  const response = await fetch(`${endpoint}/v1/traces`, post(otlpJson));
  const text = await response.text();
  if (!response.ok) throw new Error(`${endpoint} answered ${response.status}: ${text}`);
}

/** Where it stores: both forget everything when it stops. */
export type Storage = 'memory' | 'badger';

/** Jaeger stores what came in within its batch processor's 200 ms; a slow machine gets more. */
const STORED_MILLIS = 20_000;

/** The Jaeger of `JAEGER_BINARY`, or `jaeger` on the PATH, if it runs: its binary and its version. */
export async function findJaeger(): Promise<{ binary: string; version: string } | undefined> {
  const candidates = process.env.JAEGER_BINARY
    ? [process.env.JAEGER_BINARY]
    : (process.env.PATH ?? '').split(delimiter).map((directory) => join(directory, 'jaeger'));
  for (const binary of candidates) {
    const version = await versionOf(binary);
    if (version) return { binary, version };
  }
  return undefined;
}

function versionOf(binary: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(binary, ['version'], (error, output) => {
      resolve(error ? undefined : (/"gitVersion":"(.+?)"/.exec(output)?.[1] ?? 'of an unknown version'));
    });
  });
}

/** Starts a Jaeger on free ports of 127.0.0.1. */
export async function startJaeger(binary: string, version: string, storage: Storage = 'memory'): Promise<Jaeger> {
  const directory = mkdtempSync(join(tmpdir(), 'runtrace-jaeger-'));
  const ports = await freePorts('otlp', 'http', 'grpc');
  const config = join(directory, 'config.json');
  writeFileSync(config, JSON.stringify(configuration(ports, storage))); // JSON is YAML.
  const otlp = `http://127.0.0.1:${ports.otlp}`;
  const api = `http://127.0.0.1:${ports.http}`;
  // Badger's files go into the directory too.
  const command = { binary, args: ['--config', config], env: { TMPDIR: directory } };
  const server = await startServer(command, async () => (await answers(otlp)) && (await answers(api)));
  return new RunningJaeger(version, otlp, api, async () => {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });
}

class RunningJaeger implements Jaeger {
  readonly version: string;
  readonly endpoint: string;
  readonly stop: () => Promise<void>;
  readonly #api: string;
  #searchesByTags: boolean | undefined;

  constructor(version: string, endpoint: string, api: string, stop: () => Promise<void>) {
    this.version = version;
    this.endpoint = endpoint;
    this.stop = stop;
    this.#api = api;
  }

  async send(otlpJson: string): Promise<void> {
    await postOtlp(this.endpoint, otlpJson);
  }

  async trace(traceId: string, spanCount: number): Promise<ReceivedSpan[]> {
    // A read adds warnings to what it finds, and the memory store of Jaeger 2.13 keeps them: no peeping at half a trace.
    await until(
      STORED_MILLIS,
      async () => (await this.#read(traceId, 'rawTraces=true&raw_traces=true')).length >= spanCount,
    );
    return this.#read(traceId, '');
  }

  async #read(traceId: string, query: string): Promise<ReceivedSpan[]> {
    const response = await fetch(`${this.#api}/api/v3/traces/${traceId}?${query}`);
    const text = await response.text();
    return response.status === 404 ? [] : readResult(text);
  }

  async uiTrace(traceId: string): Promise<UiSpan[]> {
    return uiSpans(await fetch(`${this.#api}/api/traces/${traceId}`));
  }

  async search(service: string, attributes: Record<string, string>): Promise<string[]> {
    // Up to 2.13 the search of /api/v3 knows no attributes and /api/traces does; after 2.20 it is the other way round.
    this.#searchesByTags ??= isJson(await fetch(`${this.#api}/api/services`));
    const from = Date.now() - 3_600_000;
    const to = Date.now() + 60_000;
    if (this.#searchesByTags) {
      const query = new URLSearchParams({ service, tags: JSON.stringify(attributes), limit: '1000' });
      query.set('start', `${from}000`);
      query.set('end', `${to}000`);
      return distinct((await uiSpans(await fetch(`${this.#api}/api/traces?${query}`))).map((span) => span.traceID));
    }
    const query = new URLSearchParams({
      'query.serviceName': service,
      'query.attributes': JSON.stringify(attributes),
      'query.startTimeMin': new Date(from).toISOString(),
      'query.startTimeMax': new Date(to).toISOString(),
      'query.searchDepth': '1000',
    });
    const response = await fetch(`${this.#api}/api/v3/traces?${query}`);
    const text = await response.text();
    if (response.status === 404) return [];
    return distinct(readResult(text).map((span) => span.traceId));
  }

  async transform(otlpJson: string): Promise<UiSpan[]> {
    return uiSpans(await fetch(`${this.#api}/api/transform`, post(otlpJson)));
  }
}

/** The value of a tag or of a log's field. */
export function tag(tags: readonly UiTag[], key: string): UiTag['value'] | undefined {
  return tags.find((candidate) => candidate.key === key)?.value;
}

/** What Jaeger has to say about a span that it gave through `/api/v3`. */
export function warningsOf({ attributes }: ReceivedSpan): string[] {
  const warnings = attributes['@jaeger@warnings'];
  return Array.isArray(warnings) ? warnings.map(String) : [];
}

function readResult(text: string): ReceivedSpan[] {
  const { result, error } = JSON.parse(text) as { result?: unknown; error?: unknown };
  if (!result) throw new Error(`Jaeger answered ${JSON.stringify(error ?? text)}`);
  const { spans, violations } = parseOtlpJson(JSON.stringify(result));
  if (violations.length > 0) throw new Error(`Jaeger's answer is not OTLP JSON: ${violations.join('; ')}`);
  return spans;
}

async function uiSpans(response: Response): Promise<UiSpan[]> {
  const text = await response.text();
  if (!response.ok) throw new Error(`Jaeger answered ${response.status}: ${text}`);
  return (JSON.parse(text) as { data: { spans: UiSpan[] }[] }).data.flatMap(({ spans }) => spans);
}

function post(json: string): RequestInit {
  return { method: 'POST', body: json, headers: { 'content-type': 'application/json' } };
}

function isJson(response: Response): boolean {
  void response.body?.cancel();
  return response.ok && Boolean(response.headers.get('content-type')?.startsWith('application/json'));
}

function distinct<T>(values: T[]): T[] {
  return [...new Set(values)];
}

const BACKENDS: Record<Storage, unknown> = {
  memory: { memory: { max_traces: 10_000 } },
  badger: { badger: { ephemeral: true } },
};

function configuration(
  { otlp, http, grpc }: Record<'otlp' | 'http' | 'grpc', number>,
  storage: Storage,
): Record<string, unknown> {
  return {
    service: {
      extensions: ['jaeger_storage', 'jaeger_query'],
      pipelines: { traces: { receivers: ['otlp'], processors: ['batch'], exporters: ['jaeger_storage_exporter'] } },
      telemetry: { metrics: { level: 'none' } },
    },
    extensions: {
      jaeger_storage: { backends: { store: BACKENDS[storage] } },
      jaeger_query: {
        storage: { traces: 'store' },
        http: { endpoint: `127.0.0.1:${http}` },
        grpc: { endpoint: `127.0.0.1:${grpc}` },
      },
    },
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${otlp}` } } } },
    processors: { batch: {} },
    exporters: { jaeger_storage_exporter: { trace_storage: 'store' } },
  };
}
