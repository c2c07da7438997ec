/** A cell in a process of its own: `process.js '{"setUp":…}'`. It exports where `OTEL_EXPORTER_OTLP_ENDPOINT` says. */
import { RuntraceBatchSpanProcessor } from 'runtrace/exporter';
import { type CellOptions, playCell, type Start } from './cell.js';

const options: CellOptions = JSON.parse(process.argv[2] ?? '');
const { start }: { start: Start } = await import(`./${options.setUp}.js`);
await playCell(options, start(new RuntraceBatchSpanProcessor()), (module) => import(`./others/${module}.js`));
