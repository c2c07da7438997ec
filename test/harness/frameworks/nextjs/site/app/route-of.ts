/** What the routes have in common. */
import { run } from 'runtrace';
import { type Weather, weatherOf } from '../../../support/weather.js';

/** With `runtrace/register` the model client has no recording fetch. */
const weather = weatherOf(String(process.env.MODELS), { isGivenFetch: process.env.REGISTER === undefined });

/** A route handler, in a run. */
export function routeOf(answer: (weather: Weather, model: string, signal: AbortSignal) => Promise<BodyInit>) {
  return (request: Request): Promise<Response> =>
    run({ kind: 'chat_turn' }, async () => {
      const model = new URL(request.url).searchParams.get('model') ?? '';
      return new Response(await answer(weather, model, request.signal));
    });
}
