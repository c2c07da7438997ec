/** A process that ends in one of many ways, with spans that are not delivered yet. Not a test. */

import { DiagConsoleLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { OTLPFileExporter, RuntraceBatchSpanProcessor } from 'runtrace/exporter';

const [url, directory, how] = process.argv.slice(2) as [string, string, string];
diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN);
const destination = url.endsWith('.jsonl') ? { exporter: new OTLPFileExporter({ path: url }) } : { url };
const processor = new RuntraceBatchSpanProcessor({ ...destination, ...(directory && { spool: { directory } }) });
new BasicTracerProvider({ spanProcessors: [processor] }).getTracer('test').startSpan('last words').end();
if (how === 'exit') process.exit(0);
if (how === 'exit in mid-shutdown') {
  void processor.shutdown();
  process.exit(0);
}
if (how === 'throw') throw new Error('the application crashed');
if (how === 'shutdown') {
  const began = performance.now();
  void processor.shutdown().then(() => {
    process.stdout.write(JSON.stringify({ millis: performance.now() - began, stats: processor.stats() }));
  });
}
