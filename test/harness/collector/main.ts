/**
 * `npm run test:collector [-- protocols | examples | scale [RUNS] | capacity [RUNS]]`: sends spans to real OpenTelemetry Collectors and looks at
 * what comes out of them. Exits with 77 where `COLLECTOR_BINARY` names none.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Checks, say } from '../jaeger/checks.js';
import { measureCapacity } from './capacity.js';
import { versionOf } from './collector-process.js';
import { checkExamples } from './examples.js';
import { checkProtocols } from './protocols.js';
import { checkScale } from './scale.js';

const NO_COLLECTOR = 77;
const DEFAULT_RUNS = 2000;

const binary = process.env.COLLECTOR_BINARY ?? '';
const version = binary && (await versionOf(binary));
if (!version) {
  say('No Collector. Name one in COLLECTOR_BINARY; .ci/install-collector builds one with Go.');
  process.exit(NO_COLLECTOR);
}
say(version);

const checks = new Checks();
const directory = mkdtempSync(join(tmpdir(), 'runtrace-collector-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
const [part, count = DEFAULT_RUNS] = process.argv.slice(2);
if (!part || part === 'protocols') {
  await checks.group('Every protocol of OTLP', () => checkProtocols(checks, binary, directory));
}
if (!part || part === 'examples') {
  await checks.group('The configurations of examples/collector', () => checkExamples(checks, binary));
}
if (!part || part === 'scale') {
  await checks.group('Two tiers of Collectors', () => checkScale(checks, binary, directory, Number(count)));
}
if (!part || part === 'capacity') {
  await checks.group('What a run costs each tier', () => measureCapacity(checks, binary, directory, Number(count)));
}
process.exitCode = checks.end() ? 0 : 1;
