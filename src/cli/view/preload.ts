/**
 * Loaded by `runtrace view -- COMMAND` into each Node process of the program, before the program's own code. It sets nothing global of
 * OpenTelemetry: no provider, no context manager, no propagator, no logger. A program that sets its own finds everything as it would be.
 */
import { basename } from 'node:path';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import { startLiveChannel } from '../../live/start.js';
import { setFallbackProvider } from '../../recorder/fallback-provider.js';
import { recordGlobalFetch } from '../../recorder/global-fetch.js';
import { RunIdGenerator } from '../../recorder/run-id-generator.js';
import { guarded } from '../../util/diagnostics.js';
import { muteOmissions } from '../../util/omissions.js';
import { environment } from '../../util/platform.js';
import { ViewerSpanProcessor } from './viewer-span-processor.js';

function preload(viewerUrl: string): void {
  muteOmissions();
  startLiveChannel();
  setFallbackProvider(
    new TracerProvider({
      idGenerator: new RunIdGenerator(),
      resource: resourceFromAttributes({ 'service.name': serviceName() }),
      spanProcessors: [new ViewerSpanProcessor(viewerUrl)],
    }),
  );
  recordGlobalFetch();
}

function serviceName(): string {
  return environment('OTEL_SERVICE_NAME') ?? basename(process.argv[1] ?? 'node');
}

const viewerUrl = environment('RUNTRACE_VIEW');
if (viewerUrl) guarded('the program could not be prepared for the viewer', () => preload(viewerUrl));
