/** OpenTelemetry Collectors as child processes, and what they write to their output files. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseOtlpJson, type ReceivedSpan } from '../../support/otlp-receiver.js';
import { accepts, type ServerProcess, startServer } from '../../support/server-process.js';

/** The version that `otelcol --version` prints, or `undefined` if the binary does not run. */
export function versionOf(binary: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(binary, ['--version'], (error, output) => resolve(error ? undefined : output.trim()));
  });
}

/** What `otelcol validate` says against these configurations together; empty if nothing. */
export function validate(binary: string, configs: readonly string[], env: Record<string, string>): Promise<string> {
  const args = ['validate', ...configs.map((config) => `--config=${config}`)];
  return new Promise((resolve) => {
    execFile(binary, args, { env: { ...process.env, ...env } }, (error, output, log) => {
      resolve(error ? `${error.message}\n${output}${log}` : '');
    });
  });
}

/** How a Collector is started. */
export interface CollectorOptions {
  binary: string;
  /** Files, the later ones merged over the earlier ones. */
  configs: readonly string[];
  /** For the `${env:…}` of the configurations. */
  env?: Record<string, string>;
  /** One port that it listens on when it is ready. */
  port: number;
}

/** Starts a Collector and waits until it accepts connections. */
export function startCollector({ binary, configs, env = {}, port }: CollectorOptions): Promise<ServerProcess> {
  const args = configs.map((config) => `--config=${config}`);
  return startServer({ binary, args, env }, () => accepts(port));
}

/** Writes a configuration as JSON, which is YAML, and returns the path of the file. */
export function writeConfig(directory: string, name: string, config: object): string {
  const path = join(directory, `${name}.yaml`);
  writeFileSync(path, JSON.stringify(config, null, 2));
  return path;
}

/** The spans in the output of a `file` exporter so far. Throws if a line is not OTLP JSON as the specification has it. */
export function readOutput(path: string): ReceivedSpan[] {
  if (!existsSync(path)) return [];
  // The last line may still be half written.
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1).filter(Boolean);
  return lines.flatMap((line) => {
    const { spans, violations } = parseOtlpJson(line);
    if (violations.length > 0) throw new Error(`${path}: ${violations.join('; ')}`);
    return spans;
  });
}
