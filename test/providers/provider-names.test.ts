import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { modelCall } from './recorded.js';

const providers: [url: string, provider: string][] = [
  ['https://api.together.xyz/v1', 'together_ai'],
  ['https://api.together.ai/v1', 'together_ai'],
  ['https://api.fireworks.ai/inference/v1', 'fireworks_ai'],
  ['https://api.cerebras.ai/v1', 'cerebras'],
  ['https://router.huggingface.co/v1', 'hugging_face'],
  ['https://abc.eu-west-1.aws.endpoints.huggingface.cloud/v1', 'hugging_face'],
  ['https://models.github.ai/inference', 'github'],
  ['https://models.inference.ai.azure.com', 'github'],
  ['https://me.services.ai.azure.com/models', 'azure.ai.inference'],
  ['https://integrate.api.nvidia.com/v1', 'nvidia'],
  ['https://dashscope.aliyuncs.com/compatible-mode/v1', 'dashscope'],
  ['https://dashscope-intl.aliyuncs.com/compatible-mode/v1', 'dashscope'],
  ['https://ws-1.ap-southeast-1.maas.aliyuncs.com/compatible-mode/v1', 'dashscope'],
  ['https://trial.cn-beijing.maas.aliyuncs.com/apps/anthropic/v1', 'dashscope'],
  ['https://maas.aliyuncs.com.example.com/v1', 'openai'],
  ['https://ark.ap-southeast.bytepluses.com/api/v3', 'byteplus'],
  ['https://bedrock-runtime.eu-west-1.amazonaws.com/v1', 'aws.bedrock'],
  ['https://vpce-1.bedrock-runtime.eu-west-1.vpce.amazonaws.com/v1', 'aws.bedrock'],
  ['https://ai-gateway.vercel.sh/v1', 'vercel'],
  ['https://gateway.ai.cloudflare.com/v1/account/gateway/compat', 'cloudflare'],
  ['https://api.cloudflare.com/client/v4/accounts/a/ai/v1', 'cloudflare'],
  ['http://localhost:11434/v1', 'ollama'],
  ['http://127.0.0.1:11434/v1', 'ollama'],
  ['http://[::1]:11434/v1', 'ollama'],
  ['http://host.docker.internal:11434/v1', 'ollama'],
  ['http://ollama:11434/v1', 'ollama'],
  ['https://ollama.com/v1', 'ollama'],
  ['http://localhost:1234/v1', 'lm_studio'],
  ['http://example.com:1234/v1', 'openai'],
  ['http://localhost:8000/v1', 'openai'],
  ['https://api.deepinfra.com/v1/openai', 'deepinfra'],
  ['https://api.minimax.io/v1', 'minimax'],
  ['https://open.bigmodel.cn/api/paas/v4', 'zhipu_ai'],
  ['https://api.z.ai/api/paas/v4', 'zhipu_ai'],
  ['https://api.siliconflow.cn/v1', 'siliconflow'],
  ['https://ark.cn-beijing.volces.com/api/v3', 'volcengine'],
  ['https://api.sambanova.ai/v1', 'sambanova'],
  ['https://api.kimi.com/coding/v1', 'moonshot_ai'],
  ['https://api.baichuan-ai.com/v1', 'baichuan'],
  ['https://api.cohere.ai/compatibility/v1', 'cohere'],
  ['https://us-south.ml.cloud.ibm.com/ml/v1/text', 'ibm.watsonx.ai'],
  ['https://dbc-1.cloud.databricks.com/serving-endpoints', 'databricks'],
  ['https://adb-1.2.azuredatabricks.net/serving-endpoints', 'databricks'],
  ['https://account.snowflakecomputing.com/api/v2/cortex/v1', 'snowflake'],
  ['https://api.hunyuan.cloud.tencent.com/v1', 'tencent'],
  ['https://qianfan.baidubce.com/v2', 'baidu'],
  ['https://api.stepfun.com/v1', 'stepfun'],
  ['https://llm.chutes.ai/v1', 'chutes'],
  ['https://inference.do-ai.run/v1', 'digitalocean'],
  ['https://oai.endpoints.kepler.ai.cloud.ovh.net/v1', 'ovhcloud'],
  ['https://api.scaleway.ai/v1', 'scaleway'],
  ['https://api.llama.com/compat/v1', 'meta'],
  ['https://api.portkey.ai/v1', 'portkey'],
  ['https://ai-gateway.helicone.ai/v1', 'helicone'],
  ['https://router.requesty.ai/v1', 'requesty'],
  ['http://localhost:12434/engines/v1', 'docker'],
  ['http://model-runner.docker.internal:12434/engines/v1', 'docker'],
  ['http://127.0.0.1:30000/v1', 'sglang'],
  ['http://node-1.example.com:30000/v1', 'openai'],
  ['https://api.fireworks.ai.example.com/v1', 'openai'],
  ['https://nottogether.xyz/v1', 'openai'],
];

describe('The provider that answers is known by its host or port:', () => {
  for (const [url, provider] of providers) {
    it(`${provider} at ${url}`, () => {
      const call = modelCall({ url: `${url}/chat/completions`, request: { model: 'm', messages: [] } });
      assert.equal(call.provider, provider);
    });
  }
});
