export { type Attempt, AttemptLog, type AttemptStatus } from './attempt.js';
export type { Capture, CaptureOptions, Limits, RunIdentity } from './capture.js';
export { recordingFetch, wrapFetch } from './fetch.js';
export type { Message, MessagePart, ModelRequest, ModelResponse, Usage } from './genai.js';
export type { FinishDetails } from './outcome.js';
export { reportStatus, StatusPrioritySpanProcessor } from './processor.js';
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
} from './recorder.js';
export type { RedactOptions } from './redact/redactor.js';
export type { Run, RunOptions } from './run.js';
export { RunIdGenerator } from './run-id-generator.js';
export type { Status } from './status.js';
export type { Step, StepOptions } from './step.js';
export type { ToolOptions } from './tool.js';
