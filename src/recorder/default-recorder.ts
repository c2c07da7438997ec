import { openRecorder, type Recorder, type RecorderParts } from './recorder.js';

let openedByDefault: ReturnType<typeof openRecorder> | undefined;

function byDefault(): ReturnType<typeof openRecorder> {
  openedByDefault ??= openRecorder({});
  return openedByDefault;
}

/** The recorder behind the functions of this module. */
export function defaultRecorder(): Recorder {
  return byDefault().recorder;
}

/** The parts of the default recorder. */
export function defaultParts(): RecorderParts {
  return byDefault().parts;
}

/** {@inheritDoc Recorder.run} */
export const run: Recorder['run'] = (options, fn) => defaultRecorder().run(options, fn);

/** {@inheritDoc Recorder.step} */
export const step: Recorder['step'] = (options, fn) => defaultRecorder().step(options, fn);

/** {@inheritDoc Recorder.reuseStep} */
export const reuseStep: Recorder['reuseStep'] = (fn) => defaultRecorder().reuseStep(fn);

/** {@inheritDoc Recorder.tool} */
export const tool: Recorder['tool'] = (options, fn) => defaultRecorder().tool(options, fn);

/** {@inheritDoc Recorder.startRun} */
export const startRun: Recorder['startRun'] = (options) => defaultRecorder().startRun(options);

/** {@inheritDoc Recorder.startStep} */
export const startStep: Recorder['startStep'] = (options) => defaultRecorder().startStep(options);
