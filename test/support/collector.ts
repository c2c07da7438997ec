import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answers, freePorts, startServer } from './server-process.js';

/** A collector with the configuration of examples/jaeger/collector.yaml. */
export interface Collector {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly endpoint: string;
  /** The options of that file that this collector is too old for: it goes without them. */
  readonly unknownOptions: readonly string[];
  stop(): Promise<void>;
}

/** Jaeger 2 is a collector, with all that the example needs. */
export async function startCollector(
  binary: string,
  configFile: string,
  jaegerEndpoint: string,
  decisionWaitMillis: number,
): Promise<Collector> {
  const directory = mkdtempSync(join(tmpdir(), 'runtrace-collector-'));
  const ports = await freePorts('http', 'grpc');
  const endpoint = `http://127.0.0.1:${ports.http}`;
  const env = {
    COLLECTOR_HTTP: `127.0.0.1:${ports.http}`,
    COLLECTOR_GRPC: `127.0.0.1:${ports.grpc}`,
    JAEGER_ENDPOINT: jaegerEndpoint,
  };
  const config = join(directory, 'collector.yaml');
  let yaml = readFileSync(configFile, 'utf8');
  writeFileSync(config, yaml);
  const unknownOptions = await unknownOptionsOf(binary, config, env);
  for (const option of unknownOptions) yaml = yaml.replace(new RegExp(`^ *${option}:.*\n`, 'm'), '');
  writeFileSync(config, yaml);
  const set = (option: string, value: string) => `--set=${option}=${value}`;
  const args = [
    '--config',
    config,
    set('processors.tail_sampling.decision_wait', `${decisionWaitMillis}ms`),
    set('service.telemetry.metrics.level', 'none'),
  ];
  const server = await startServer({ binary, args, env }, () => answers(endpoint));
  return {
    endpoint,
    unknownOptions,
    stop: async () => {
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function unknownOptionsOf(binary: string, config: string, env: Record<string, string>): Promise<string[]> {
  return new Promise((resolve) => {
    execFile(binary, ['validate', '--config', config], { env: { ...process.env, ...env } }, (_error, _output, log) => {
      resolve((/has invalid keys: (.+)/.exec(log)?.[1] ?? '').split(', ').filter(Boolean));
    });
  });
}
