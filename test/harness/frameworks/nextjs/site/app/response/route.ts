import { routeOf } from '../route-of.js';

export const GET = routeOf((weather, model, signal) => weather.stream(model, signal));
