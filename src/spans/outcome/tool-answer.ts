/**
 * Whether a tool's answer says of itself that the tool has failed: a result of MCP, a `tool_result` of Anthropic, a `toolResult` of Bedrock, or a
 * `ToolMessage` of LangChain. A function that returns one of them has not thrown, and still has no result. Calls no getter of `answer`.
 */
export function saysFailed(answer: unknown): boolean {
  if (typeof answer !== 'object' || answer === null) return false;
  const field = (name: string): unknown => Object.getOwnPropertyDescriptor(answer, name)?.value;
  if (field('isError') === true) return Array.isArray(field('content'));
  if (field('is_error') === true) return field('type') === 'tool_result';
  return (
    field('status') === 'error' && [field('tool_call_id'), field('toolUseId')].some((id) => typeof id === 'string')
  );
}

/** The `error.type` of such a tool call, as the conventions for MCP have it. */
export const TOOL_ERROR = 'tool_error';
