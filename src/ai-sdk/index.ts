export {
  type AiSdkOperation,
  type RuntraceTelemetry,
  type RuntraceTelemetryOptions,
  runtraceTelemetry,
} from './telemetry.js';
export { type LanguageModel, type WrapModelOptions, wrapModel } from './wrap-model.js';
