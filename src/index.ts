export type { Capture, CaptureOptions, Limits, RunIdentity } from './capture/levels.js';
export type { RedactOptions } from './capture/redact/redactor.js';
export { recordingFetch, type WrapFetchOptions, wrapFetch } from './fetch/recording-fetch.js';
export type { Message, MessagePart, ModelRequest, ModelResponse, Usage } from './otel/genai.js';
export { reuseStep, run, startRun, startStep, step, tool } from './recorder/default-recorder.js';
export { createRecorder, type Recorder, type RecorderOptions } from './recorder/recorder.js';
export type { Run } from './recorder/run-handle.js';
export { RunIdGenerator } from './recorder/run-id-generator.js';
export type { RunOptions } from './recorder/run-options.js';
export { reportStatus, StatusPrioritySpanProcessor } from './recorder/status-processor.js';
export type { Step } from './recorder/step-handle.js';
export type { Attempt, AttemptStatus } from './spans/outcome/attempt.js';
export { AttemptLog } from './spans/outcome/attempt-log.js';
export type { FinishDetails } from './spans/outcome/finish-details.js';
export type { Status } from './spans/outcome/status.js';
export type { StepOptions } from './spans/outcome/step-options.js';
export type { ToolOptions } from './spans/tool.js';

import { environment } from './util/environment.js';

// Loaded only where a viewer is to be shown runs in progress.
if (environment('RUNTRACE_VIEW')) void import('./live/start.js').then(({ startLiveChannel }) => startLiveChannel());
