import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { data, geminiListStream, geminiSseStream, modelCall, read, readBrokenOff } from './recorded.js';

const model = 'https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash';
const url = `${model}:generateContent`;
const call = modelCall({ url, request: { contents: [] } });
const streamed = modelCall(geminiSseStream);
const candidate = (text: string, rest: object = {}) => ({ candidates: [{ content: { parts: [{ text }] }, ...rest }] });

describe('A generateContent request', () => {
  it('is read with all its parameters', () => {
    const request = {
      contents: [],
      generationConfig: {
        maxOutputTokens: 100,
        temperature: 0.2,
        topP: 0.9,
        topK: 40,
        seed: 7,
        stopSequences: ['END'],
        frequencyPenalty: 0.1,
        presencePenalty: 0.2,
        candidateCount: 2,
        thinkingConfig: { thinkingLevel: 'LOW', includeThoughts: true },
        responseMimeType: 'application/json',
      },
    };
    assert.deepEqual(modelCall({ url, request }, false).request, {
      model: 'gemini-2.5-flash',
      maxTokens: 100,
      temperature: 0.2,
      topP: 0.9,
      topK: 40,
      seed: 7,
      stopSequences: ['END'],
      frequencyPenalty: 0.1,
      presencePenalty: 0.2,
      choiceCount: 2,
      reasoningLevel: 'LOW',
      outputType: 'json',
    });
  });

  it('to streamGenerateContent asks for a stream', () => {
    assert.equal(modelCall(geminiSseStream).streaming, true);
    assert.equal(modelCall(geminiListStream).streaming, true);
    assert.equal(call.streaming, false);
  });

  it('is read with its contents, instruction and tools', () => {
    const { request } = modelCall({
      url,
      request: {
        systemInstruction: { parts: [{ text: 'Be brief' }] },
        contents: [
          {
            role: 'user',
            parts: [
              { text: 'What is this?' },
              { inlineData: { mimeType: 'image/png', data: btoa('x'.repeat(1000)) } },
              { fileData: { mimeType: 'video/mp4', fileUri: 'gs://bucket/a.mp4' } },
            ],
          },
          {
            role: 'model',
            parts: [{ text: 'Hm', thought: true }, { functionCall: { name: 'look', args: { at: 'cat' } } }],
          },
          { role: 'user', parts: [{ functionResponse: { name: 'look', response: { output: 'a cat' } } }] },
          {
            role: 'model',
            parts: [
              { executableCode: { language: 'PYTHON', code: '1+1' } },
              { codeExecutionResult: { outcome: 'OUTCOME_OK', output: '2' } },
            ],
          },
        ],
        tools: [
          { functionDeclarations: [{ name: 'look', description: 'Looks', parametersJsonSchema: { type: 'object' } }] },
          { googleSearch: {} },
        ],
      },
    });
    assert.deepEqual(request.systemInstructions, [{ type: 'text', content: 'Be brief' }]);
    assert.deepEqual(request.toolDefinitions, [
      { type: 'function', name: 'look', description: 'Looks', parameters: { type: 'object' } },
      { type: 'googleSearch', name: 'googleSearch' },
    ]);
    assert.deepEqual(request.messages, [
      {
        role: 'user',
        parts: [
          { type: 'text', content: 'What is this?' },
          { type: 'blob', modality: 'image', mime_type: 'image/png', content: '[1000 bytes]' },
          { type: 'uri', modality: 'video', mime_type: 'video/mp4', uri: 'gs://bucket/a.mp4' },
        ],
      },
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', content: 'Hm' },
          { type: 'tool_call', name: 'look', arguments: { at: 'cat' } },
        ],
      },
      { role: 'user', parts: [{ type: 'tool_call_response', id: 'look', response: { output: 'a cat' } }] },
      {
        role: 'assistant',
        parts: [
          {
            type: 'server_tool_call',
            name: 'code_execution',
            server_tool_call: { type: 'code_execution', language: 'PYTHON', code: '1+1' },
          },
          {
            type: 'server_tool_call_response',
            server_tool_call_response: { type: 'code_execution', outcome: 'OUTCOME_OK', output: '2' },
          },
        ],
      },
    ]);
  });

  it('may have names with underscores, a single content, and a text as instruction', () => {
    const request = {
      system_instruction: 'Be brief',
      contents: { parts: [{ text: 'Hi' }] },
      generation_config: { temperature: 1 },
    };
    assert.deepEqual(modelCall({ url, request }).request, {
      model: 'gemini-2.5-flash',
      temperature: 1,
      messages: [{ role: 'user', parts: [{ type: 'text', content: 'Hi' }] }],
      systemInstructions: [{ type: 'text', content: 'Be brief' }],
    });
  });
});

describe('A generateContent answer', () => {
  for (const recorded of [geminiSseStream, geminiListStream]) {
    it(`is read from a stream: ${recorded.name}`, () => {
      const expected = {
        response: {
          id: 'k3Xq',
          model: 'gemini-2.5-flash',
          finishReasons: ['STOP'],
          messages: [
            {
              role: 'assistant',
              parts: [
                { type: 'reasoning', content: 'Look it up — später' },
                { type: 'text', content: 'Ich sehe nach 🌦️ "\\' },
                { type: 'tool_call', name: 'get_weather', arguments: { city: 'Köln' } },
              ],
              finish_reason: 'STOP',
            },
          ],
        },
        usage: { inputTokens: 120, outputTokens: 80, cacheReadTokens: 64, reasoningTokens: 48 },
        complete: true,
      };
      assert.deepEqual(read(modelCall(recorded), [recorded.body]), expected);
      const { messages: _, ...response } = expected.response;
      assert.deepEqual(read(modelCall(recorded, false), [recorded.body]), { ...expected, response });
    });

    it(`has what was received before it broke off: ${recorded.name}`, () => {
      const answer = readBrokenOff(modelCall(recorded), [recorded.body.slice(0, recorded.body.indexOf('get_weather'))]);
      assert.equal(answer.complete, false);
      assert.deepEqual(answer.response.finishReasons, ['error']);
      assert.deepEqual(answer.response.messages?.[0]?.parts.length, 2);
      assert.equal(answer.usage.outputTokens, 56);
    });
  }

  it('is read whole; tool results count as input', () => {
    const body = {
      ...candidate('Hi', { finishReason: 'MAX_TOKENS', index: 0 }),
      usageMetadata: { promptTokenCount: 10, toolUsePromptTokenCount: 5, candidatesTokenCount: 3, totalTokenCount: 18 },
      modelVersion: 'gemini-3',
      responseId: 'r1',
    };
    assert.deepEqual(read(call, [JSON.stringify(body)]), {
      response: {
        id: 'r1',
        model: 'gemini-3',
        finishReasons: ['MAX_TOKENS'],
        messages: [{ role: 'assistant', parts: [{ type: 'text', content: 'Hi' }], finish_reason: 'MAX_TOKENS' }],
      },
      usage: { inputTokens: 15, outputTokens: 3 },
      complete: true,
    });
  });

  it('is complete at its end only, because some servers say STOP in every chunk', () => {
    const chunks = [data(candidate('A', { finishReason: 'STOP' })), data(candidate('B', { finishReason: 'STOP' }))];
    assert.equal(readBrokenOff(streamed, chunks).complete, false);
    assert.equal(read(streamed, chunks).complete, true);
  });

  it('is not complete where a candidate has no finish reason', () => {
    assert.equal(read(streamed, [data(candidate('A'), candidate('B'))]).complete, false);
    const two = { candidates: [{ index: 0, finishReason: 'STOP' }, { index: 1 }] };
    const answer = read(streamed, [data(two)]);
    assert.deepEqual([answer.complete, answer.response.finishReasons], [false, ['STOP', 'error']]);
  });

  it('to a prompt that was blocked is complete, and says why', () => {
    const body = { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' }, usageMetadata: { promptTokenCount: 4 } };
    for (const answer of [read(streamed, [data(body)]), read(call, [JSON.stringify(body)])]) {
      assert.deepEqual([answer.complete, answer.response.finishReasons], [true, ['PROHIBITED_CONTENT']]);
    }
  });

  it('has the error of a stream, as an event or in the list', () => {
    const error = { error: { code: 503, message: 'Overloaded', status: 'UNAVAILABLE' } };
    const expected = { code: 'UNAVAILABLE', message: 'Overloaded' };
    const list = modelCall(geminiListStream);
    for (const answer of [
      read(streamed, [data(candidate('A'), error)]),
      read(list, [JSON.stringify([candidate('A'), error])]),
      read(list, [JSON.stringify([error])]),
      read(call, [JSON.stringify(error)]),
    ]) {
      assert.deepEqual([answer.error, answer.complete], [expected, false]);
    }
  });

  it('has images by their size only', () => {
    const part = { inlineData: { mimeType: 'image/png', data: btoa('12345') } };
    const answer = read(streamed, [data({ candidates: [{ content: { parts: [part] }, finishReason: 'STOP' }] })]);
    assert.deepEqual(answer.response.messages?.[0]?.parts, [
      { type: 'blob', modality: 'image', mime_type: 'image/png', content: '[5 bytes]' },
    ]);
  });

  it('of embeddings is complete', () => {
    const embed = modelCall({ url: `${model}:embedContent`, request: { content: { parts: [{ text: 'Hi' }] } } });
    assert.equal(read(embed, ['{"embedding":{"values":[0.1,0.2]}}']).complete, true);
  });
});
