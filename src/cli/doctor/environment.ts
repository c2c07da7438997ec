import type { Finding } from './finding.js';

/** Variables whose values cannot hold a secret, with the values that make sense. */
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  OTEL_EXPORTER_OTLP_PROTOCOL: ['http/protobuf', 'http/json', 'grpc'],
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: ['http/protobuf', 'http/json', 'grpc'],
  OTEL_EXPORTER_OTLP_COMPRESSION: ['gzip', 'none'],
  OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: ['gzip', 'none'],
  OTEL_SDK_DISABLED: ['true', 'false'],
  OTEL_TRACES_EXPORTER: ['otlp', 'console', 'zipkin', 'none'],
  OTEL_TRACES_SAMPLER: [
    'always_on',
    'always_off',
    'traceidratio',
    'parentbased_always_on',
    'parentbased_always_off',
    'parentbased_traceidratio',
    'jaeger_remote',
    'parentbased_jaeger_remote',
    'xray',
  ],
  RUNTRACE_CAPTURE: ['off', 'metadata', 'content'],
  RUNTRACE_IMPLICIT_RUNS: ['true', 'false'],
  RUNTRACE_WARNINGS: ['on', 'off'],
};

/** Every variable of runtrace. Another is a slip, or the application's own. */
const OWN_NAMES = [...Object.keys(CHOICES).filter((name) => name.startsWith('RUNTRACE_')), 'RUNTRACE_VIEW'];

/** Values with which nothing is exported. */
const SWITCHES_OFF: Readonly<Record<string, readonly string[]>> = {
  OTEL_SDK_DISABLED: ['true'],
  OTEL_TRACES_EXPORTER: ['none'],
  OTEL_TRACES_SAMPLER: ['always_off', 'parentbased_always_off'],
  RUNTRACE_CAPTURE: ['off'],
};

/** What the environment variables say. A value is quoted only if it is one of those that make sense: it may be a secret. */
export function checkEnvironment(env: Readonly<Record<string, string | undefined>>): Finding[] {
  const about = 'environment';
  const findings: Finding[] = [];
  const names = Object.keys(env).filter((name) => /^(OTEL_|RUNTRACE_)/.test(name) && env[name]?.trim());
  for (const name of names.sort()) {
    const value = env[name]?.trim().toLowerCase() ?? '';
    const choices = Object.hasOwn(CHOICES, name) ? CHOICES[name] : undefined;
    if (name.startsWith('RUNTRACE_') && !OWN_NAMES.includes(name))
      findings.push({
        about,
        state: 'note',
        text: `${name} is not read`,
        fix: `runtrace reads ${OWN_NAMES.join(', ')}`,
      });
    // What reads the variables of the endpoint says itself what it can't use.
    else if (!choices || (!choices.includes(value) && name.startsWith('OTEL_EXPORTER_OTLP_')))
      findings.push({ about, state: 'note', text: `${name} is set` });
    else if (!choices.includes(value)) {
      findings.push({
        about,
        state: 'wrong',
        text: `${name} has a value that is not known`,
        fix: `use ${choices.join(', ')}`,
      });
    } else if (SWITCHES_OFF[name]?.includes(value)) {
      findings.push({
        about,
        state: 'wrong',
        text: `${name} is ${value}, so nothing is exported`,
        fix: `unset ${name}`,
      });
    } else findings.push({ about, state: 'note', text: `${name} is ${value}` });
  }
  return names.length > 0 ? findings : [{ about, state: 'note', text: 'no OTEL_* or RUNTRACE_* variable is set' }];
}
