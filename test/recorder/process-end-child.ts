/** A process that ends with a run in progress, without a shutdown. Not a test. */

import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { createRecorder } from 'runtrace';
import { RuntraceExporter, RuntraceSpanProcessor } from 'runtrace/exporter';

const [url, directory, how, given] = process.argv.slice(2) as [string, string, string, string];
const options = { url, ...(directory && { spool: { directory } }) };
const processor = new RuntraceSpanProcessor({
  // An exporter that was made before the processor is told of the end before it, unless the processor sees to it.
  ...(given === 'exporter' ? { exporter: new RuntraceExporter(options) } : options),
  ...(given !== 'no keep' && { keep: () => false }),
});
const tracerProvider = new BasicTracerProvider({ spanProcessors: [processor] });
const recorder = createRecorder({ tracerProvider });
const settled = recorder.startRun({ kind: 'settled' });
settled.finish('completed');
await new Promise(setImmediate);
recorder.startRun({ kind: 'open' }).startStep({ model: 'm' });
if (how === 'exit') process.exit(0);
if (how === 'throw') throw new Error('the application crashed');
