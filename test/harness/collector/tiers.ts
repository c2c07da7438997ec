/** The two tiers of examples/collector on free ports of 127.0.0.1, and a backend behind them. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { answers, freePorts, type ServerProcess, until } from '../../support/server-process.js';
import { type CollectorOptions, startCollector, writeConfig } from './collector-process.js';
import { readSamples, type Samples } from './prometheus.js';

/** The folder with the configurations. */
export const EXAMPLES = fileURLToPath(new URL('../../../../examples/collector/', import.meta.url));
/** What /proc counts CPU time in. */
const TICKS_PER_SECOND = 100;
const READY_MILLIS = 30_000;

/** How the tiers are set, where the examples' own values would make a test long. */
export interface TierSettings {
  decisionWaitAfterRootMillis: number;
  slowMillis: number;
  sharePercent: number;
}

/** Two Collectors of each tier, and the backend. */
export interface Tiers {
  first: [CollectorNode, CollectorNode];
  second: [CollectorNode, CollectorNode];
  /** Where the backend writes what it got. */
  backendOutput: string;
  stop(): Promise<void>;
}

/** A Collector that can be stopped and started again. */
export class CollectorNode {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`, on the first tier. */
  readonly endpoint: string;
  /** Where it writes what it kept, on the second tier. */
  readonly archive: string;
  readonly #options: CollectorOptions;
  readonly #healthUrl: string;
  readonly #telemetryUrl: string;
  readonly #metricsUrl: string;
  #process: ServerProcess | undefined;

  constructor(
    options: CollectorOptions,
    at: Record<'http' | 'health' | 'telemetry' | 'metrics', number>,
    archive: string,
  ) {
    this.#options = options;
    this.endpoint = `http://127.0.0.1:${at.http}`;
    this.archive = archive;
    this.#healthUrl = `http://127.0.0.1:${at.health}`;
    this.#telemetryUrl = `http://127.0.0.1:${at.telemetry}/metrics`;
    this.#metricsUrl = `http://127.0.0.1:${at.metrics}/metrics`;
  }

  async start(): Promise<void> {
    this.#process = await startCollector(this.#options);
    const healthy = async () => (await answers(this.#healthUrl)) && (await fetch(this.#healthUrl)).ok;
    if (!(await until(READY_MILLIS, healthy))) throw new Error(`not healthy:\n${this.#process.log()}`);
  }

  async stop(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    await this.#process?.stop(signal);
    this.#process = undefined;
  }

  /** Halts it without ending it, as a machine that is too busy. */
  pause(): void {
    process.kill(this.#pid, 'SIGSTOP');
  }

  resume(): void {
    process.kill(this.#pid, 'SIGCONT');
  }

  /** Of the process that runs now. */
  cpuSeconds(): number {
    // The name in the second field is in brackets and may have spaces.
    const fields = readFileSync(`/proc/${this.#pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }

  /** Memory of the process that runs now: at this moment, and at most so far. */
  residentBytes(): { now: number; peak: number } {
    const status = readFileSync(`/proc/${this.#pid}/status`, 'utf8');
    const kibibytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]);
    return { now: kibibytes('VmRSS') * 1024, peak: kibibytes('VmHWM') * 1024 };
  }

  /** What is in its queue on disk, with the requests that are on their way. */
  queuedBytes(): Promise<number> {
    return this.#telemetry('otelcol_exporter_queue_size');
  }

  /** Undecided traces, on the second tier, as of a second ago. */
  tracesInMemory(): Promise<number> {
    return this.#telemetry('otelcol_processor_tail_sampling_sampling_traces_on_memory');
  }

  /** Spans that its receivers took. */
  acceptedSpans(): Promise<number> {
    return this.#telemetry('otelcol_receiver_accepted_spans');
  }

  /** The metrics that the second tier makes of spans. */
  spanMetrics(): Promise<Samples> {
    return readSamples(this.#metricsUrl);
  }

  /** One of the Collector's metrics about itself. */
  async #telemetry(name: string): Promise<number> {
    return (await readSamples(this.#telemetryUrl)).sum(name);
  }

  get #pid(): number {
    if (!this.#process) throw new Error('the Collector is not running');
    return this.#process.pid;
  }
}

/** Starts the backend, then the second tier, then the first. */
export async function startTiers(
  binary: string,
  directory: string,
  settings: TierSettings,
  jaegerEndpoint?: string,
): Promise<Tiers> {
  mkdirSync(directory, { recursive: true });
  const ports = await freePorts('backend', ...names('http', 'grpc', 'health', 'telemetry', 'metrics'));
  const nodes: CollectorNode[] = [];
  const local = (port: number) => `127.0.0.1:${port}`;
  const node = (tier: 1 | 2, name: 'a' | 'b', env: Record<string, string>) => {
    const at = (what: 'http' | 'grpc' | 'health' | 'telemetry' | 'metrics') => ports[`${tier}${name} ${what}`];
    const archive = join(directory, `archive-${tier}${name}`, 'traces.jsonl');
    const options: CollectorOptions = {
      binary,
      configs: [join(EXAMPLES, `tier-${tier}.yaml`)],
      port: at('grpc'),
      env: {
        ...env,
        ARCHIVE: archive,
        [`TIER_${tier}_HTTP`]: local(at('http')),
        [`TIER_${tier}_GRPC`]: local(at('grpc')),
        [`TIER_${tier}_HEALTH`]: local(at('health')),
        [`TIER_${tier}_METRICS`]: local(at('metrics')),
        [`TIER_${tier}_TELEMETRY`]: String(at('telemetry')),
        [`TIER_${tier}_QUEUE`]: join(directory, `queue-${tier}${name}`),
      },
    };
    const collector = new CollectorNode(
      options,
      { http: at('http'), health: at('health'), telemetry: at('telemetry'), metrics: at('metrics') },
      archive,
    );
    nodes.push(collector);
    return collector;
  };
  const sampling = {
    BACKEND: local(ports.backend),
    DECISION_WAIT_AFTER_ROOT: `${settings.decisionWaitAfterRootMillis}ms`,
    SLOW_MILLIS: String(settings.slowMillis),
    SHARE_PERCENT: String(settings.sharePercent),
  };
  const balancing = { TIER_2: `[${local(ports['2a grpc'])}, ${local(ports['2b grpc'])}]` };
  const second: Tiers['second'] = [node(2, 'a', sampling), node(2, 'b', sampling)];
  const first: Tiers['first'] = [node(1, 'a', balancing), node(1, 'b', balancing)];

  const backendOutput = join(directory, 'backend.jsonl');
  const config = writeConfig(directory, 'backend', backend(local(ports.backend), backendOutput, jaegerEndpoint));
  const backendProcess = await startCollector({ binary, configs: [config], port: ports.backend });
  const stop = async () => {
    for (const collector of nodes) await collector.stop();
    await backendProcess.stop();
  };
  try {
    for (const collector of nodes) await collector.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { first, second, backendOutput, stop };
}

/** One of each for the four Collectors. */
function names<What extends string>(...whats: What[]): `${1 | 2}${'a' | 'b'} ${What}`[] {
  return (['1a', '1b', '2a', '2b'] as const).flatMap((collector) =>
    whats.map((what) => `${collector} ${what}` as const),
  );
}

/** Stands in for Jaeger; where there is one, it hands on to it. */
function backend(endpoint: string, output: string, jaegerEndpoint: string | undefined): object {
  const exporters = {
    file: { path: output, flush_interval: '100ms' },
    ...(jaegerEndpoint && { otlp_http: { endpoint: jaegerEndpoint } }),
  };
  return {
    receivers: { otlp: { protocols: { grpc: { endpoint, max_recv_msg_size_mib: 16 } } } },
    exporters,
    service: {
      pipelines: { traces: { receivers: ['otlp'], exporters: Object.keys(exporters) } },
      telemetry: { metrics: { level: 'none' } },
    },
  };
}
