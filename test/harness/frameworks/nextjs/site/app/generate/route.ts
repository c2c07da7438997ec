import { routeOf } from '../route-of.js';

export const GET = routeOf((weather, model) => weather.generate(model));
