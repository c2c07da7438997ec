import type { SetUpName } from './cell/cell.js';

/** A line of the OpenTelemetry SDK, in packages of one time. */
export interface Sdk {
  readonly version: string;
  readonly packages: readonly string[];
  readonly setUps: readonly SetUpName[];
  /** The oldest Node that its authors support. */
  readonly leastNode: string;
  /** Whether its own declarations compile under `exactOptionalPropertyTypes`. */
  readonly exactTypes: boolean;
}

/** Those in which the application is played. */
export const SDKS: readonly Sdk[] = [
  sdk2('2.0', '2.0.0', '0.200.0', '1.9.0'),
  sdk2('2.5', '2.5.0', '0.211.0', '1.9.0'),
  sdk2('2.12', '2.12.0', '0.223.0', '1.9.1'),
  {
    version: '3.1',
    packages: [
      '@opentelemetry/api@1.10.0',
      '@opentelemetry/sdk-trace@3.1.0',
      '@opentelemetry/context-async-hooks@3.1.0',
      '@opentelemetry/sdk-node@0.301.0',
      '@opentelemetry/exporter-trace-otlp-http@0.301.0',
    ],
    setUps: ['trace-provider', 'node-sdk'],
    leastNode: '22.15',
    exactTypes: true,
  },
];

/** The others, of which only the installation is tried. */
export const OTHER_SDKS: readonly Sdk[] = [
  sdk2('2.1', '2.1.0', '0.203.0', '1.9.0'),
  sdk2('2.2', '2.2.0', '0.208.0', '1.9.0'),
  sdk2('2.3', '2.3.0', '0.209.0', '1.9.0'),
  sdk2('2.4', '2.4.0', '0.210.0', '1.9.0'),
  sdk2('2.6', '2.6.0', '0.212.0', '1.9.0'),
  sdk2('2.7', '2.7.0', '0.216.0', '1.9.0'),
  sdk2('2.8', '2.8.0', '0.219.0', '1.9.1'),
  sdk2('2.9', '2.9.0', '0.220.0', '1.9.1'),
  sdk2('2.10', '2.10.0', '0.221.0', '1.9.1'),
  sdk2('2.11', '2.11.0', '0.222.0', '1.9.1'),
];

function sdk2(version: string, stable: string, experimental: string, api: string): Sdk {
  return {
    version,
    packages: [
      `@opentelemetry/api@${api}`,
      `@opentelemetry/sdk-trace-base@${stable}`,
      `@opentelemetry/sdk-trace-node@${stable}`,
      `@opentelemetry/context-async-hooks@${stable}`,
      `@opentelemetry/sdk-node@${experimental}`,
      `@opentelemetry/exporter-trace-otlp-http@${experimental}`,
    ],
    setUps: ['basic-provider', 'node-provider', 'node-sdk'],
    leastNode: '18.19',
    exactTypes: version !== '2.0',
  };
}
