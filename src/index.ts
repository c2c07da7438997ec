export type { Message, MessagePart, ModelRequest, ModelResponse, Usage } from './capture/genai-writer.js';
export type { Capture, CaptureOptions, Limits, RunIdentity } from './capture/levels.js';
export type { RedactOptions } from './capture/redact/redactor.js';
export { recordingFetch, wrapFetch } from './fetch/recording-fetch.js';
export {
  createRecorder,
  type Recorder,
  type RecorderOptions,
  reuseStep,
  run,
  startRun,
  startStep,
  step,
  tool,
} from './recorder/recorder.js';
export { RunIdGenerator } from './recorder/run-id-generator.js';
export { reportStatus, StatusPrioritySpanProcessor } from './recorder/status-processor.js';
export { type Attempt, AttemptLog, type AttemptStatus } from './spans/outcome/attempt-log.js';
export type { FinishDetails } from './spans/outcome/proposals.js';
export type { Status } from './spans/outcome/status.js';
export type { Run, RunOptions } from './spans/run.js';
export type { Step, StepOptions } from './spans/step.js';
export type { ToolOptions } from './spans/tool.js';
