export { type MiddlewareStack, type RecordingPlugin, recordingPlugin } from './aws/recording-plugin.js';
