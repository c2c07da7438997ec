/** A framework that serves requests: each way in which it passes a stream on is played, by a client that asks it over HTTP. */
import type { Framework } from './cases.js';
import { type Programme, playAll } from './play.js';
import { type Weather, weatherOf } from './weather.js';

/** A server with the routes `/generate`, `/loop`, and one for each way, each with the query `model`. */
export interface ServedApp {
  readonly url: string;
  /** The routes of streams, and what each shows. */
  readonly ways: Readonly<Record<string, string>>;
}

/** Plays every case with each way of a server. */
export function playServer(make: (weather: Weather) => Promise<ServedApp>): Promise<void> {
  return playAll(async (baseURL): Promise<Programme> => {
    const { url, ways } = await make(weatherOf(baseURL));
    const entries = Object.entries(ways).map(([route, way]) => [way, frameworkAt(url, route)]);
    return { ways: Object.fromEntries(entries), beginsRun: true };
  });
}

/** A server at `url`, which streams by the route `way`. */
export function frameworkAt(url: string, way: string): Framework {
  const ask = async (route: string, model: string) => {
    const response = await fetch(`${url}/${route}?model=${model}`);
    if (!response.ok) throw new Error(`/${route} answered ${response.status}`);
    return response;
  };
  return {
    generate: async (model) => (await ask('generate', model)).text(),
    loop: async (model) => (await ask('loop', model)).text(),
    stream: async (model) => (await ask(way, model)).body as unknown as AsyncIterable<unknown>,
  };
}
