/** What is asked, and the tool that a model may call. */
export const PROMPT = 'How is the weather in Bern?';
export const TOOL = { name: 'get_weather', description: 'The weather of a city' };
/** The tool's parameters, where a framework takes JSON Schema. */
export const PARAMETERS = {
  type: 'object' as const,
  properties: { city: { type: 'string' as const } },
  required: ['city'],
};
