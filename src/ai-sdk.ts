export {
  type AiSdkOperation,
  type RuntraceTelemetry,
  type RuntraceTelemetryOptions,
  runtraceTelemetry,
} from './ai-sdk/telemetry.js';
export { type LanguageModel, type WrapModelOptions, wrapModel } from './ai-sdk/wrap-model.js';
