import type { Clock } from '../clock.js';
import type { GrpcEndpoint, HttpEndpoint } from '../endpoint.js';
import { GrpcSender } from './grpc/grpc-sender.js';
import { HttpSender } from './http/http-sender.js';
import type { Sender } from './sender.js';

/** The sender for an endpoint. `report` receives what a person should know, once. */
export function createSender(
  endpoint: HttpEndpoint | GrpcEndpoint,
  clock: Clock,
  report: (message: string) => void,
): Sender {
  return endpoint.protocol === 'grpc' ? new GrpcSender(endpoint, clock) : new HttpSender(endpoint, clock, report);
}
